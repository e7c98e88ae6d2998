import type { ArtifactDriver, ArtifactDrivers } from '#libs/artifacts';
import { Metrics } from '#libs/observability';
import { CredentialNamespaces, openResources } from '#libs/program';
import { createStore, type StoreConnection } from '#libs/store';
import { MemoryJobQueue, quietLogger } from '#libs/testing';
import type { ArtifactLocation } from '#libs/workflow-spec';
import { CollectorService } from '../../../services/artifact-gc/src/collect/collector.service.js';
import { ObjectDeleter } from '../../../services/artifact-gc/src/deletion/object-deleter.js';
import { DeletionPlanner } from '../../../services/artifact-gc/src/planning/deletion-planner.js';

/** A program that collects one workflow's artifacts from a store in memory, whose folder has very many objects, and says what it took. */
const [connectionText = '{}', objectText = '0', uid = ''] = process.argv.slice(2);
const connection = JSON.parse(connectionText) as StoreConnection;
const objectCount = Number(objectText);
const MIB = 1024 ** 2;
const clock = { nowMs: () => Date.now() };

const gone = new Uint8Array(objectCount);
let firstLeft = 0;
let requests = 0;
let peakRss = 0;
const indexOf = ({ s3 }: ArtifactLocation): number => {
  const number = /\/object-(\d+)$/.exec(String(s3?.['key']))?.[1];
  return number === undefined ? -1 : Number(number);
};
const measure = (): void => {
  peakRss = Math.max(peakRss, process.memoryUsage.rss());
};
const driver: ArtifactDriver = {
  kind: 's3',
  head: async (location) => {
    const index = indexOf(location);
    return index < 0 || gone[index] === 1 ? undefined : { sizeBytes: 1, metadata: { 'workflow-uid': uid } };
  },
  async *list() {
    while (gone[firstLeft] === 1) firstLeft += 1;
    for (let index = firstLeft; index < objectCount; index += 1)
      if (gone[index] === 0) yield { key: `folder/object-${index}`, sizeBytes: 1 };
  },
  deleteMany: async (locations) => {
    requests += 1;
    measure();
    for (const location of locations) gone[indexOf(location)] = 1;
    return new Map();
  },
  delete: async (location) => {
    requests += 1;
    gone[indexOf(location)] = 1;
  },
  load: () => Promise.reject(new Error('nobody reads')),
  save: () => Promise.reject(new Error('nobody saves')),
  isDirectory: async () => true,
};
const drivers: ArtifactDrivers = { driverFor: () => driver, close: () => undefined };

const store = createStore({ connection, clock });
const deletions = store.artifactDeletions;
const credentials = new CredentialNamespaces({ resources: openResources(store, clock), controllerNamespace: 'argo' });
const collector = new CollectorService({
  planner: new DeletionPlanner({ deletions, clock, repository: undefined, credentials }),
  deleter: new ObjectDeleter({ deletions, drivers, credentials, clock, parallel: 8 }),
  ...{ deletions, inbox: store.inbox, queue: new MemoryJobQueue(), clock, logger: quietLogger, metrics: new Metrics() },
  settings: { objectsPerJob: 2000, parallelDeletions: 8, retryBaseMs: 1000, retryLongestMs: 1000 },
});
await store.waitUntilReady(10_000);
const startRss = process.memoryUsage.rss();
let jobs = 1;
while ((await collector.collect(uid)) !== undefined) jobs += 1;
measure();
const left = gone.reduce((count, one) => count - one, objectCount);
const grownMb = Math.round((peakRss - startRss) / MIB);
process.stdout.write(JSON.stringify({ left, requests, jobs, grownMb, rows: await deletions.countsByState() }));
await store.close();
