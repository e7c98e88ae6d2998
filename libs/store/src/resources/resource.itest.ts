import { afterAll, beforeAll } from 'vitest';

import { postgresTemplate, resourceTableContract, type TestDatabase } from '#libs/testing';

import { createStore, type Store } from '../store.js';

let database: TestDatabase;
let store: Store;

beforeAll(async () => {
  database = await postgresTemplate();
  store = createStore({ connection: database.connection, clock: { nowMs: () => 0 } });
});
afterAll(async () => {
  await store.close();
  await database.drop();
});

resourceTableContract('Postgres', async () => {
  await store.database.run({ text: 'TRUNCATE resources' });
  await store.database.run({ text: 'UPDATE resource_counter SET version = 0, compacted_version = 0' });
  return store.resources;
});
