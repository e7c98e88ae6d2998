import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';

import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { createArtifactDrivers, type ArtifactDriver, type ArtifactDrivers } from '#libs/artifacts';
import type { NodeRow, WorkflowHeader } from '#libs/engine';
import { Metrics } from '#libs/observability';
import { CredentialNamespaces, openResources } from '#libs/program';
import { MemoryJobQueue, quietLogger, testStore } from '#libs/testing';
import { TransientError, type Artifact, type WorkflowSpec } from '#libs/workflow-spec';

import { ObjectDeleter } from '../deletion/object-deleter.js';
import { DeletionPlanner } from '../planning/deletion-planner.js';

import { CollectorService } from './collector.service.js';
import { dueCollections } from './due-page.js';

const START_MS = 1_700_000_000_000;
const MINUTE_MS = 60_000;
const repository = { filesystem: {} };
const clock = { now: START_MS, nowMs: (): number => clock.now };

const { store } = await testStore(clock);
let root: string;
let drivers: ArtifactDrivers;
/** Calls that reach a store from now on and fail: how many, and which. */
let failures: { left: number; methods: string[] };
const queue = new MemoryJobQueue();
let credentials: CredentialNamespaces;
let collector: CollectorService;
let counter = 0;

beforeAll(async () => {
  credentials = new CredentialNamespaces({ resources: openResources(store, clock), controllerNamespace: 'argo' });
});
beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'artifact-gc-'));
  drivers = createArtifactDrivers({ clock, filesystem: { rootFolder: root } });
  failures = { left: 0, methods: [] };
  collector = newCollector();
});
afterEach(() => rm(root, { recursive: true, force: true }));

function newCollector(objectsPerJob = 1000): CollectorService {
  const deletions = store.artifactDeletions;
  const failing: ArtifactDrivers = {
    driverFor: (location, scope) => flaky(drivers.driverFor(location, scope)),
    close: () => undefined,
  };
  return new CollectorService({
    planner: new DeletionPlanner({ deletions, clock, repository, credentials }),
    deleter: new ObjectDeleter({ deletions, drivers: failing, credentials, clock, parallel: 4 }),
    ...{ deletions, inbox: store.inbox, queue, clock, logger: quietLogger, metrics: new Metrics() },
    settings: { objectsPerJob, parallelDeletions: 4, retryBaseMs: 5000, retryLongestMs: 3_600_000 },
  });
}

function flaky(driver: ArtifactDriver): ArtifactDriver {
  return new Proxy(driver, {
    get(target, name: keyof ArtifactDriver) {
      if (failures.left > 0 && failures.methods.includes(name)) {
        failures.left -= 1;
        throw new TransientError('the bucket is away');
      }
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

const header = (phase: 'Running' | 'Succeeded'): WorkflowHeader => ({
  engineLevel: 1,
  status: { phase },
  labels: {},
  annotations: {},
  internal: {},
});
const podNode = (ordinal: number, artifacts: Artifact[]): NodeRow => ({
  id: `pod-${ordinal}`,
  parents: [],
  ordinal,
  status: { id: `pod-${ordinal}`, name: `pod-${ordinal}`, type: 'Pod', phase: 'Succeeded', outputs: { artifacts } },
});
const artifact = (key: string, more: Partial<Artifact> = {}): Artifact => ({
  name: key.replaceAll('/', '-'),
  filesystem: { key },
  ...more,
});

async function submit(spec: Partial<WorkflowSpec>, artifacts: Artifact[][]): Promise<string> {
  const uid = `gc-${String(++counter).padStart(4, '0')}`;
  await store.workflows.insert({ submitted: { metadata: { uid, namespace: 'argo', name: uid }, spec }, createdAtMs: clock.now });
  const nodes = artifacts.map((list, ordinal) => podNode(ordinal, list));
  await store.workflowState.commit({ uid, expectedVersion: 0, header: header('Running'), nodes, nowMs: clock.now });
  return uid;
}
const finish = async (uid: string): Promise<void> => {
  await store.workflowState.commit({ uid, expectedVersion: 1, header: header('Succeeded'), nodes: [], nowMs: clock.now });
};
const save = (key: string, owner: string): Promise<void> => {
  const location = { filesystem: { key } };
  const metadata = { 'workflow-uid': owner, 'node-id': 'n' };
  return drivers.driverFor(location, { namespace: 'argo' }).save(location, Readable.from([Buffer.from(key)]), { metadata });
};
const exists = async (key: string): Promise<boolean> => {
  const location = { filesystem: { key } };
  return (await drivers.driverFor(location, { namespace: 'argo' }).head(location)) !== undefined;
};
const surviving = async (keys: string[]): Promise<string[]> => {
  const found = await Promise.all(keys.map(async (key) => ((await exists(key)) ? [key] : [])));
  return found.flat();
};
const onCompletion = { artifactGC: { strategy: 'OnWorkflowCompletion' as const } };
const onDeletion = { artifactGC: { strategy: 'OnWorkflowDeletion' as const } };
const never = { artifactGC: { strategy: 'Never' as const } };

describe('the strategies', () => {
  it('deletes on completion and on deletion, the artifact before the workflow, and nothing by default', async () => {
    const uid = await submit(onDeletion, [
      [artifact('a/completion', onCompletion), artifact('a/inherited'), artifact('a/never', never)],
      [artifact('a/empty', { artifactGC: { strategy: '' } })],
    ]);
    const keys = ['a/completion', 'a/inherited', 'a/never', 'a/empty'];
    for (const key of keys) await save(key, uid);
    await collector.collect(uid);
    expect(await surviving(keys)).toEqual(keys);
    await finish(uid);
    await collector.collect(uid);
    expect(await surviving(keys)).toEqual(['a/inherited', 'a/never', 'a/empty']);
    await store.retention.markDeleted(uid, clock.now);
    await collector.collect(uid);
    expect(await surviving(keys)).toEqual(['a/never']);

    const careless = await submit({}, [[artifact('a/kept')]]);
    await save('a/kept', careless);
    await store.retention.markDeleted(careless, clock.now);
    await collector.collect(careless);
    expect(await exists('a/kept')).toBe(true);
  });

  it('brings what was to go on completion along where a workflow is deleted while it runs', async () => {
    const uid = await submit({}, [[artifact('b/x', onCompletion)]]);
    await save('b/x', uid);
    await store.retention.markDeleted(uid, clock.now);
    await collector.collect(uid);
    expect(await exists('b/x')).toBe(false);
  });

  it('plans again what a workflow made that was finished a second time', async () => {
    const uid = await submit(onCompletion, [[artifact('c/first')]]);
    await save('c/first', uid);
    await finish(uid);
    await collector.collect(uid);
    await store.workflowState.commit({
      uid,
      expectedVersion: 2,
      header: header('Running'),
      nodes: [podNode(7, [artifact('c/second')])],
      nowMs: clock.now,
    });
    await store.workflowState.commit({ uid, expectedVersion: 3, header: header('Succeeded'), nodes: [], nowMs: clock.now });
    await save('c/second', uid);
    await collector.collect(uid);
    expect(await exists('c/second')).toBe(false);
  });
});

describe('ownership', () => {
  it('leaves an object alone that another workflow has saved to the same key, or that carries no mark', async () => {
    const uid = await submit(onCompletion, [[artifact('own/mine'), artifact('own/taken'), artifact('own/unmarked')]]);
    await save('own/mine', uid);
    await save('own/taken', 'another-uid');
    const location = { filesystem: { key: 'own/unmarked' } };
    await drivers.driverFor(location, { namespace: '' }).save(location, Readable.from(['x']));
    await finish(uid);
    await collector.collect(uid);
    expect(await surviving(['own/mine', 'own/taken', 'own/unmarked'])).toEqual(['own/taken', 'own/unmarked']);
    expect(await store.artifactDeletions.duePage({ workflowUid: uid, nowMs: clock.now + 10 * MINUTE_MS, limit: 10 })).toEqual([]);
  });

  it('deletes the objects of a folder one by one, except those of others', async () => {
    const uid = await submit(onCompletion, [[artifact('dir')]]);
    const keys = Array.from({ length: 25 }, (_unused, index) => `dir/f${String(index).padStart(2, '0')}`);
    for (const key of keys) await save(key, uid);
    await save('dir/f07', 'another-uid');
    await save('dir-neighbour', uid);
    await finish(uid);
    await collector.collect(uid);
    expect(await surviving([...keys, 'dir-neighbour'])).toEqual(['dir/f07', 'dir-neighbour']);
  });
});

describe('what is said of it', () => {
  const reports = async (uid: string) =>
    (await store.inbox.read(uid, 10)).flatMap((entry) => (entry.kind === 'artifactGc' ? [entry.report] : []));

  it('is Argo’s message while something fails, then that the strategy was carried out, each once', async () => {
    const uid = await submit(onCompletion, [[artifact('said/x'), artifact('said/y')]]);
    for (const key of ['said/x', 'said/y']) await save(key, uid);
    await finish(uid);
    failures = { left: 1, methods: ['delete'] };
    await collector.collect(uid);
    const strategies = ['OnWorkflowCompletion'];
    const error = 'Artifact Garbage Collection failed for strategy OnWorkflowCompletion, err:the bucket is away';
    expect(await reports(uid)).toEqual([{ strategies, error }]);
    expect(await store.artifactDeletions.deletedArtifacts(uid)).toHaveLength(1);
    clock.now += 60 * MINUTE_MS;
    await collector.collect(uid);
    expect(await reports(uid)).toEqual([{ strategies, error }, { strategies }]);
    expect(await store.artifactDeletions.deletedArtifacts(uid)).toHaveLength(2);
  });

  it('is nothing where there was nothing to delete', async () => {
    const uid = await submit({}, [[artifact('quiet/x')]]);
    await finish(uid);
    await collector.collect(uid);
    expect(await reports(uid)).toEqual([]);
  });

  it('calls a folder deleted when all its objects are, and keeps no rows of them', async () => {
    const uid = await submit(onCompletion, [[artifact('tree')]]);
    for (const key of ['tree/1', 'tree/2', 'tree/3']) await save(key, uid);
    await finish(uid);
    failures = { left: 1, methods: ['delete'] };
    await collector.collect(uid);
    expect(await store.artifactDeletions.deletedArtifacts(uid)).toEqual([]);
    clock.now += 60 * MINUTE_MS;
    await collector.collect(uid);
    expect(await store.artifactDeletions.deletedArtifacts(uid)).toEqual([{ nodeId: 'pod-0', artifactName: 'tree' }]);
    const rows = await store.artifactDeletions.shownPage({ namespace: 'argo', workflowName: uid, afterId: 0, limit: 10 });
    expect(rows.map(({ state }) => state)).toEqual(['expanded']);
  });
});

describe('a store that is away', () => {
  it('is asked no more for this time: the other objects wait without a try', async () => {
    const keys = Array.from({ length: 20 }, (_unused, index) => `away/${index}`);
    const uid = await submit(onCompletion, [keys.map((key) => artifact(key))]);
    for (const key of keys) await save(key, uid);
    await finish(uid);
    failures = { left: 1000, methods: ['head'] };
    await collector.collect(uid);
    const rows = await store.artifactDeletions.shownPage({ namespace: 'argo', workflowName: uid, afterId: 0, limit: 100 });
    expect(rows.filter(({ attempts }) => attempts > 0).length).toBeLessThanOrEqual(4);
    expect(new Set(rows.map(({ lastError, state }) => `${state} ${lastError}`))).toEqual(new Set(['pending the bucket is away']));
  });

  it('is given up after five tries where the workflow is gone and says so, and never while it is there', async () => {
    const uid = await submit({ artifactGC: { strategy: 'OnWorkflowCompletion', forceFinalizerRemoval: true } }, [
      [artifact('forced/x')],
    ]);
    await save('forced/x', uid);
    await finish(uid);
    failures = { left: 1000, methods: ['head'] };
    const tries = async (count: number): Promise<string | undefined> => {
      for (let round = 0; round < count; round += 1) {
        await collector.collect(uid);
        clock.now += 60 * MINUTE_MS;
      }
      const rows = await store.artifactDeletions.shownPage({ namespace: 'argo', workflowName: uid, afterId: 0, limit: 10 });
      return rows[0]?.state;
    };
    expect(await tries(7)).toBe('pending');
    await store.retention.markDeleted(uid, clock.now);
    expect(await tries(1)).toBe('abandoned');
    failures.left = 0;
    await collector.collect(uid);
    expect(await exists('forced/x')).toBe(true);
  });
});

describe('logs', () => {
  it('take segments along that were never made whole', async () => {
    const uid = await submit(onCompletion, [[{ name: 'main-logs', filesystem: { key: 'l/main.log' } }]]);
    for (const key of ['l/main.log', 'l/main.log.segments/1/0-7', 'l/main.log.segments/1/7-9']) await save(key, uid);
    await finish(uid);
    await collector.collect(uid);
    expect(await surviving(['l/main.log', 'l/main.log.segments/1/0-7', 'l/main.log.segments/1/7-9'])).toEqual([]);
    expect(await store.artifactDeletions.deletedArtifacts(uid)).toContainEqual({ nodeId: 'pod-0', artifactName: 'main-logs' });
  });
});

describe('failures', () => {
  it('retries with growing pauses until the store is back, and remembers why it failed', async () => {
    const uid = await submit(onCompletion, [[artifact('f/x')]]);
    await save('f/x', uid);
    await finish(uid);
    failures = { left: 3, methods: ['head'] };
    const pauses: number[] = [];
    for (let attempt = 0; attempt < 3; attempt += 1) {
      const outcome = (await collector.collect(uid)) as { wakeAtMs: number };
      pauses.push(outcome.wakeAtMs - clock.now);
      expect(await store.artifactDeletions.duePage({ workflowUid: uid, nowMs: clock.now, limit: 1 })).toEqual([]);
      // Whoever is woken too early, in the place of the wake-up that was asked for, asks for it again.
      expect(await collector.collect(uid)).toEqual(outcome);
      clock.now = outcome.wakeAtMs;
      const [row] = await store.artifactDeletions.duePage({ workflowUid: uid, nowMs: clock.now, limit: 1 });
      expect(row).toMatchObject({ attempts: attempt + 1, lastError: 'the bucket is away' });
    }
    expect(pauses).toEqual([5000, 10_000, 20_000]);
    expect(await collector.collect(uid)).toBeUndefined();
    expect(await exists('f/x')).toBe(false);
  });

  it.each(['head', 'delete', 'list', 'isDirectory'])(
    'ends with the same objects deleted whichever call of %s fails',
    async (method) => {
      for (let failing = 1; failing <= 3; failing += 1) {
        const prefix = `n/${method}/${failing}`;
        const uid = await submit(onCompletion, [[artifact(`${prefix}/a`), artifact(`${prefix}/dir`)], [artifact(`${prefix}/b`)]]);
        const keys = [`${prefix}/a`, `${prefix}/b`, `${prefix}/dir/1`, `${prefix}/dir/2`];
        for (const key of keys) await save(key, uid);
        await finish(uid);
        failures = { left: failing, methods: [method] };
        for (let round = 0; round < 8; round += 1) {
          await collector.collect(uid);
          clock.now += 60 * MINUTE_MS;
        }
        expect(await surviving(keys)).toEqual([]);
      }
    },
  );

  it('lets a workflow be deleted while its bucket is away, and deletes the objects when it is back', async () => {
    const uid = await submit(onDeletion, [[artifact('gone/x')]]);
    await save('gone/x', uid);
    await finish(uid);
    await store.handoffs.complete('archive', uid, 100);
    await store.handoffs.complete('record', uid, 100);
    await store.retention.markDeleted(uid, clock.now);
    expect(await store.retention.step(uid, { nowMs: clock.now })).toBe('waiting-gc');
    failures = { left: 1000, methods: ['head'] };
    await collector.collect(uid);
    const steps: string[] = [];
    while (steps.at(-1) !== 'gone' && steps.length < 10) steps.push(await store.retention.step(uid, { nowMs: clock.now }));
    expect(steps.at(-1)).toBe('gone');
    expect(await exists('gone/x')).toBe(true);
    failures.left = 0;
    clock.now += 60 * MINUTE_MS;
    const page = dueCollections(store.artifactDeletions, clock);
    expect((await page(undefined, clock.now - 5000)).map(({ key }) => key)).toContain(uid);
    await collector.collect(uid);
    expect(await exists('gone/x')).toBe(false);
    expect((await page(undefined, clock.now)).map(({ key }) => key)).not.toContain(uid);
  });

  it('does a bounded part of a large workflow in one job and says that there is more', async () => {
    const keys = Array.from({ length: 23 }, (_unused, index) => `many/${String(index).padStart(2, '0')}`);
    const uid = await submit(onCompletion, [keys.map((key) => artifact(key))]);
    for (const key of keys) await save(key, uid);
    await finish(uid);
    collector = newCollector(10);
    expect(await collector.collect(uid)).toEqual({ again: true });
    expect(await surviving(keys)).toHaveLength(13);
    expect(await collector.collect(uid)).toEqual({ again: true });
    expect(await collector.collect(uid)).toBeUndefined();
    expect(await surviving(keys)).toEqual([]);
  });

  it('is woken by the sweeper where the hint was lost', async () => {
    const uid = await submit(onCompletion, [[artifact('lost/x')]]);
    await finish(uid);
    const page = dueCollections(store.artifactDeletions, clock);
    clock.now += MINUTE_MS;
    expect((await page(undefined, clock.now - 5000)).find(({ key }) => key === uid)).toEqual({
      key: uid,
      payload: { workflow: uid },
      progress: 'unplanned',
    });
    await collector.collect(uid);
    expect((await page(undefined, clock.now)).map(({ key }) => key)).not.toContain(uid);
  });
});
