import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { watchObjects } from '#libs/kubernetes';
import { chooseRuntime, ImageCatalogue, type PodObservation, type PodRuntime, SHARD_COUNT } from '#libs/runtimes';
import { createStore, type PodBucket, type PodKey, type Store } from '#libs/store';
import {
  emptyEnvSource,
  eventually,
  kubernetesCluster,
  postgresTemplate,
  quietLogger,
  RecordingJobQueue,
  removePods,
  resultStaging,
  simPod,
  type TestCluster,
  type TestDatabase,
} from '#libs/testing';
import { ObservationRecorder } from '../observations/observation-recorder.js';
import { PodConvergenceService } from '../pods/pod-convergence.service.js';
import { WaitingBuckets } from '../pods/waiting-buckets.js';
import { ShardKeeper } from './shard-keeper.js';

const found = await kubernetesCluster({ nodes: false });
const HOST = 'cluster';
const TAKEOVER_MS = 2_000;
const WORKFLOWS = 16;
const PODS_EACH = 5;
const LIMIT_MS = 40_000;
const clock = { nowMs: () => Date.now() };
const logger = { ...quietLogger, child: () => quietLogger };
const PODS = { apiVersion: 'v1', plural: 'pods' } as const;

/** One pod-manager, as far as pods are concerned. */
interface Replica {
  keeper: ShardKeeper;
  runtime: PodRuntime;
  shards: () => readonly number[];
  converge(buckets: readonly PodBucket[]): Promise<void>;
  /** As if the process were killed. */
  kill(): Promise<void>;
  /** As it is told to end. */
  stop(): Promise<void>;
}

describe.skipIf('skipped' in found)(`pods that replicas share ${'skipped' in found ? `(${found.skipped})` : ''}`, () => {
  const cluster = found as TestCluster;
  let database: TestDatabase;
  let store: Store;
  let namespace: string;
  const replicas: Replica[] = [];
  const ending = new AbortController();
  /** UIDs of the pods that there were, by name. */
  const made = new Map<string, Set<string>>();
  let watching: Promise<void> = Promise.resolve();

  beforeAll(async () => {
    database = await postgresTemplate();
    store = createStore({ connection: database.connection, clock });
    namespace = await cluster.createNamespace('shards');
    watching = watchMade();
  });
  afterAll(async () => {
    ending.abort();
    await watching;
    await Promise.all(replicas.map((replica) => replica.kill()));
    await removePods(cluster, namespace);
    await cluster.release();
    await store.close();
    await database.drop();
  });

  const watchMade = async (): Promise<void> => {
    for await (const { object } of watchObjects(cluster.api, { ...PODS, namespace }, { signal: ending.signal })) {
      const uids = made.get(object.metadata.name) ?? new Set();
      made.set(object.metadata.name, uids.add(object.metadata.uid ?? ''));
    }
  };

  const startReplica = async (name: string): Promise<Replica> => {
    const runtime = await chooseRuntime('kubernetes', {
      ...{ staging: resultStaging, images: ImageCatalogue.empty(), env: emptyEnvSource, clock, logger },
      ...{ hostName: HOST, dataFolder: '/nowhere', hiddenPaths: [] },
      cluster: () => ({
        ...{ api: cluster.api, logger, namespace, sharedAs: name },
        executor: () => ({ container: {}, folder: '', mountsCredentials: false }),
        programOf: () => Promise.resolve(undefined),
      }),
    });
    let shards: readonly number[] = [];
    let isDead = false;
    const unlessDead = <T>(work: () => Promise<T>): Promise<T> => (isDead ? Promise.reject(new Error('killed')) : work());
    const recorder = new ObservationRecorder({
      podStatus: store.podStatus,
      runtime,
      queue: new RecordingJobQueue(),
      clock,
      host: HOST,
    });
    const observe = (seen: PodObservation[]): Promise<void> => unlessDead(() => recorder.record(seen));
    const convergence = new PodConvergenceService({
      ...{ pods: store.pods, podStatus: store.podStatus, runtime, observe, clock, logger, host: HOST },
      waiting: new WaitingBuckets(10),
      wakeHost: () => Promise.resolve(),
      tellWaiting: () => Promise.resolve(),
    });
    const { shardLeases } = store;
    const keeper = new ShardKeeper({
      leases: {
        prepare: (...given) => unlessDead(() => shardLeases.prepare(...given)),
        beat: (...given) => unlessDead(() => shardLeases.beat(...given)),
        move: (...given) => unlessDead(() => shardLeases.move(...given)),
        leave: (...given) => unlessDead(() => shardLeases.leave(...given)),
      },
      runtime: {
        followShards: async (wanted) => {
          const isFollowed = (await runtime.followShards?.(wanted)) ?? false;
          if (isFollowed) shards = wanted;
          return isFollowed;
        },
      },
      ...{ host: HOST, holder: name, takeOverMs: TAKEOVER_MS, logger },
    });
    await runtime.start(observe);
    keeper.start();
    const kill = async (): Promise<void> => {
      isDead = true;
      shards = [];
      await keeper.stop();
      await runtime.close();
    };
    const replica: Replica = {
      ...{ keeper, runtime, kill },
      shards: () => shards,
      converge: async (buckets) => {
        for (const bucket of buckets) await convergence.converge(bucket);
      },
      stop: async () => {
        await keeper.stop();
        await kill();
      },
    };
    replicas.push(replica);
    return replica;
  };

  const order = async (uid: string): Promise<PodBucket> => {
    await store.workflows.insert({
      submitted: { metadata: { uid, namespace, name: uid }, spec: {} },
      createdAtMs: clock.nowMs(),
    });
    const podInserts = Array.from({ length: PODS_EACH }, (_, index) => {
      const nodeId = `${uid}-${index}`;
      const pod = simPod([], { workflowUid: uid, nodeId });
      const manifest = {
        ...pod,
        metadata: { ...pod.metadata, namespace, ownerReferences: [] },
        // No node takes it: the test says what becomes of it.
        spec: { ...pod.spec, schedulerName: 'nobody' },
      };
      return { nodeId, incarnation: 0, podName: nodeId, namespace, bucket: 0, manifest };
    });
    await store.workflowState.commit({ uid, expectedVersion: 0, podInserts, nowMs: clock.nowMs() });
    return { workflow: uid, bucket: 0 };
  };

  const end = async (name: string): Promise<void> => {
    const terminated = {
      exitCode: 0,
      reason: 'Completed',
      startedAt: '2024-01-01T00:00:00Z',
      finishedAt: '2024-01-01T00:00:01Z',
    };
    const containerStatuses = [{ name: 'main', ready: false, restartCount: 0, image: 'sim', imageID: '', state: { terminated } }];
    await cluster.api.patch(
      { ...PODS, namespace, name, subresource: 'status' },
      { status: { phase: 'Succeeded', containerStatuses } },
      { type: 'merge' },
    );
  };

  const endsOf = async (uid: string): Promise<string[]> =>
    (await store.inbox.read(uid, 1_000)).flatMap((entry) =>
      entry.kind === 'pod' && entry.report.phase === 'Succeeded' ? [entry.report.nodeId] : [],
    );
  const namesOf = (uid: string): string[] => Array.from({ length: PODS_EACH }, (_, index) => `${uid}-${index}`);
  const isEndOfEachRecorded = async (uids: readonly string[]): Promise<boolean> => {
    for (const uid of uids) if ((await endsOf(uid)).length < PODS_EACH) return false;
    return true;
  };
  const areShared = (...sharing: Replica[]): boolean => {
    const counts = sharing.map((replica) => replica.shards().length);
    const all = new Set(sharing.flatMap((replica) => replica.shards()));
    return all.size === SHARD_COUNT && Math.max(...counts) - Math.min(...counts) <= 1 && sum(counts) === SHARD_COUNT;
  };

  it(
    'makes every pod once and records every end once while replicas come, go and die',
    async () => {
      const uids = Array.from({ length: WORKFLOWS }, (_, index) => `${namespace}-${index}`);
      const buckets = new Map<string, PodBucket>();
      for (const uid of uids) buckets.set(uid, await order(uid));
      const quarter = (index: number): string[] => uids.slice((index * WORKFLOWS) / 4, ((index + 1) * WORKFLOWS) / 4);
      const bucketsOf = (some: readonly string[]): PodBucket[] => some.flatMap((uid) => buckets.get(uid) ?? []);
      const endAll = (some: readonly string[]) => Promise.all(some.flatMap(namesOf).map(end));

      const first = await startReplica('first');
      await eventually(() => areShared(first), 'the first has all', LIMIT_MS);
      await first.converge(bucketsOf(quarter(0)));

      const second = await startReplica('second');
      const third = await startReplica('third');
      // Whoever gets the hint makes the pods, whoever follows them.
      await Promise.all([first, second, third].map((replica) => replica.converge(bucketsOf(quarter(1)))));
      await endAll(quarter(0));
      await eventually(() => areShared(first, second, third), 'three share', LIMIT_MS);
      await eventually(() => isEndOfEachRecorded(quarter(0)), 'the ends of the first quarter', LIMIT_MS);

      await Promise.all([first, third].map((replica) => replica.converge(bucketsOf([...quarter(2), ...quarter(3)]))));
      await second.kill();
      await endAll(quarter(1));
      await eventually(() => areShared(first, third), 'two have taken the shards of the third', LIMIT_MS);
      await eventually(() => isEndOfEachRecorded(quarter(1)), 'the ends of the second quarter', LIMIT_MS);

      const leaving = first.stop();
      await endAll(quarter(2));
      await leaving;
      expect(third.shards()).toHaveLength(SHARD_COUNT);
      await endAll(quarter(3));
      await eventually(() => isEndOfEachRecorded(uids), 'all ends', LIMIT_MS);

      for (const uid of uids) expect((await endsOf(uid)).toSorted()).toEqual(namesOf(uid));
      expect(made.size).toBe(WORKFLOWS * PODS_EACH);
      expect([...made].filter(([, pods]) => pods.size !== 1)).toEqual([]);
      // What has ended is let go of, and deleted by whoever is asked.
      const keys = uids.flatMap((uid) => namesOf(uid).map((nodeId): PodKey => ({ workflowUid: uid, nodeId, incarnation: 0 })));
      await Promise.all(keys.map((key) => third.runtime.delete(key)));
      await eventually(
        async () => (await cluster.api.list({ ...PODS, namespace })).items.length === 0,
        'no pod is left',
        LIMIT_MS,
      );
    },
    LIMIT_MS * 3,
  );
});

const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0);
