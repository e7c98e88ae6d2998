import { resourceTableContract, testStore } from '#libs/testing';

const { store } = await testStore({ nowMs: () => 0 });

resourceTableContract('Postgres', async () => {
  await store.database.run({ text: 'TRUNCATE resources' });
  await store.database.run({ text: 'UPDATE resource_counter SET version = 0, compacted_version = 0' });
  return store.resources;
});
