import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll } from 'vitest';
import { createStore, matchesLabels, parseLabelSelector, type Store } from '#libs/store';
import { postgresTemplate, resourceStoreContract, type TestDatabase } from '#libs/testing';
import { TableResourceStore } from './index.js';

const clock = { nowMs: () => Date.UTC(2026, 0, 1) };
let database: TestDatabase;
let store: Store;

beforeAll(async () => {
  database = await postgresTemplate();
  store = createStore({ connection: database.connection, clock });
});
afterAll(async () => {
  await store.close();
  await database.drop();
});

resourceStoreContract('table in Postgres', async () => {
  await store.database.run({ text: 'TRUNCATE resources' });
  await store.database.run({ text: 'UPDATE resource_counter SET version = 0, compacted_version = 0' });
  return new TableResourceStore({
    table: store.resources,
    clock,
    createUid: randomUUID,
    parseLabelSelector: (selector) => {
      const requirements = parseLabelSelector(selector);
      return (labels) => matchesLabels(requirements, labels);
    },
    pollIntervalMs: 50,
  });
});
