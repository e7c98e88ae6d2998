import { randomUUID } from 'node:crypto';
import { matchesLabels, parseLabelSelector } from '#libs/store';
import { resourceStoreContract, testStore } from '#libs/testing';
import { TableResourceStore } from './index.js';

const clock = { nowMs: () => Date.UTC(2026, 0, 1) };
const { store } = await testStore(clock);

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
