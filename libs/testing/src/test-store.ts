import { afterAll } from 'vitest';
import { createStore, type Store } from '#libs/store';
import { postgresTemplate, type TestDatabase } from './postgres.js';

/** A store on a migrated database of its own for one test file, which both go with it. Call it at the top of the file. */
export async function testStore(clock: { nowMs(): number }): Promise<{ database: TestDatabase; store: Store }> {
  const database = await postgresTemplate();
  const store = createStore({ connection: database.connection, clock });
  afterAll(async () => {
    await store.close();
    await database.drop();
  });
  return { database, store };
}
