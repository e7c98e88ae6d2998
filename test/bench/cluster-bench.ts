import {
  applyCustomResources,
  EXECUTOR_FOLDER,
  executorImage,
  kubernetesCluster,
  missingPart,
  removePods,
  startS3,
  type TestCluster,
} from '#libs/testing';
import type { Workflow } from '#libs/workflow-spec';
import { HOST_OF_PODS, LOCAL_REGISTRY, repositoryOf, secretOf } from '../e2e/harness/cluster-place.js';
import { type BenchRun, until } from './bench-run.js';
import { barePods, PodWatch } from './cluster-pods.js';
import { watchExecutor } from './executor-memory.js';
import type { Figure } from './figures.js';
import { type Fleet, startFleet } from './fleet.js';

const bench = 'cluster';
const LIMIT_MS = 1_200_000;
const AT_ONCE = 100;
const COUNTED = 10;
const WARM_UP = 3;
const WORKFLOWS = { apiVersion: 'argoproj.io/v1alpha1', plural: 'workflows' } as const;

/** What runs on the cluster in this bench, and what runs it. */
interface Stage {
  cluster: TestCluster;
  namespace: string;
  fleet: Fleet;
  watch: PodWatch;
  /** There is a store for artifacts. */
  hasStore: boolean;
}

const leaf = { name: 'leaf', container: { image: 'busybox', command: ['true'] } };
const oneStep: Workflow['spec'] = { entrypoint: 'leaf', templates: [leaf] };
const chain = (steps: number): Workflow['spec'] => ({
  entrypoint: 'main',
  templates: [
    { name: 'main', steps: Array.from({ length: steps }, (_, index) => [{ name: `step-${index}`, template: 'leaf' }]) },
    leaf,
  ],
});
const captured: Workflow['spec'] = {
  entrypoint: 'captured',
  templates: [
    {
      name: 'captured',
      container: { image: 'busybox', command: ['sh', '-c', 'echo v > /tmp/p; head -c 1000000 /dev/urandom > /tmp/a'] },
      outputs: {
        parameters: [{ name: 'p', valueFrom: { path: '/tmp/p' } }],
        artifacts: [{ name: 'a', path: '/tmp/a' }],
      },
    },
  ],
};
const fan: Workflow['spec'] = {
  entrypoint: 'main',
  templates: [{ name: 'main', steps: [[{ name: 'each', template: 'leaf', withSequence: { count: String(AT_ONCE) } }]] }, leaf],
};

export interface ClusterOptions {
  /** So many workflows make the memory of the services. */
  workflows: number;
  /** Length of the chain. */
  steps: number;
}
type Part = (stage: Stage, options: ClusterOptions) => Promise<Figure[]>;

/**
 * Workflows as objects of a real cluster, made as kubectl makes them, and their pods, beside as many bare pods of the same program in the same
 * run: what is between the two is ours. Without parts: all.
 */
export const measureCluster =
  (...parts: ClusterPart[]) =>
  async (run: BenchRun, options: ClusterOptions): Promise<Figure[]> => {
    const stage = await setUp(run);
    await runAll(stage, WARM_UP, oneStep);
    await barePods(stage, WARM_UP, { inTurn: false });
    const figures: Figure[] = [];
    for (const part of parts.length === 0 ? Object.keys(PARTS) : parts) {
      const measured = await PARTS[part as ClusterPart](stage, options);
      for (const { figure, value, unit } of measured) console.log(`  ${figure}: ${value.toFixed(1)} ${unit}`);
      figures.push(...measured);
    }
    return figures;
  };

const setUp = async (run: BenchRun): Promise<Stage> => {
  const cluster = await kubernetesCluster({ nodes: true });
  if ('skipped' in cluster) throw new Error(cluster.skipped);
  run.atEnd(() => cluster.release());
  const image = await executorImage();
  if (typeof image !== 'string') throw new Error(image.skipped);
  await applyCustomResources(cluster);
  const namespace = await cluster.createNamespace('bench');
  run.atEnd(() => removePods(cluster, namespace));
  const s3 = await startS3({ host: HOST_OF_PODS });
  if (s3 !== undefined) {
    run.atEnd(() => s3.stop());
    await cluster.api.create({ apiVersion: 'v1', plural: 'secrets', namespace }, secretOf(s3, namespace));
  }
  const environment = {
    ...(s3 === undefined ? {} : { ARTIFACT_REPOSITORY: JSON.stringify({ s3: repositoryOf(s3) }) }),
    RUNTIME: 'kubernetes',
    RESOURCES: 'kubernetes',
    KUBECONFIG: cluster.kubeconfig,
    MANAGED_NAMESPACE: namespace,
    CONTROLLER_NAMESPACE: namespace,
    EXECUTOR_IMAGE: image,
    EXECUTOR_FOLDER,
    REGISTRY_MIRRORS: LOCAL_REGISTRY,
  };
  const fleet = await startFleet(run, { schedulers: 1, podManagers: 1, environment }, bench);
  const watch = new PodWatch(cluster, namespace);
  run.atEnd(() => watch.end());
  return { cluster, namespace, fleet, watch, hasStore: s3 !== undefined };
};

/** Makes so many workflows at once; gives the time until all have ended well. */
const runAll = async ({ cluster, namespace, fleet }: Stage, count: number, spec: Workflow['spec']): Promise<number> => {
  const before = await endedCount(fleet);
  const startedMs = performance.now();
  const object = { apiVersion: WORKFLOWS.apiVersion, kind: 'Workflow', metadata: { generateName: 'bench-' }, spec };
  await Promise.all(Array.from({ length: count }, () => cluster.api.create({ ...WORKFLOWS, namespace }, object)));
  const isDone = async (): Promise<boolean> => (await endedCount(fleet)) >= before + count;
  await until(`${count} workflows have ended well`, isDone, { limitMs: LIMIT_MS });
  return performance.now() - startedMs;
};

const endedCount = async ({ store }: Fleet): Promise<number> => {
  const rows = await store.database.run<{ count: number }>({
    text: "SELECT count(*)::integer AS count FROM workflow_state WHERE completed AND phase = 'Succeeded'",
  });
  return rows[0]?.count ?? 0;
};

/** Until nothing more is written: events, the last status, the archive's label. */
const settledWrites = async ({ fleet }: Stage): Promise<Record<string, number>> => {
  let last = await fleet.clusterWrites();
  let sinceMs = performance.now();
  const isQuiet = async (): Promise<boolean> => {
    const now = await fleet.clusterWrites();
    if (JSON.stringify(now) !== JSON.stringify(last)) sinceMs = performance.now();
    last = now;
    return performance.now() - sinceMs > 3_000;
  };
  await until('nothing more is written', isQuiet, { limitMs: 60_000, everyMs: 250 });
  return last;
};

const measureWrites: Part = async (stage) => {
  const before = await settledWrites(stage);
  for (let count = 0; count < COUNTED; count += 1) await runAll(stage, 1, oneStep);
  const after = await settledWrites(stage);
  const each = Object.entries(after)
    .map(([call, count]) => ({ call, value: (count - (before[call] ?? 0)) / COUNTED }))
    .filter(({ value }) => value > 0);
  return [
    {
      bench,
      figure: 'writes of our programs, a workflow of one pod',
      value: each.reduce((sum, { value }) => sum + value, 0),
      unit: '',
      goal: { atMost: 12 },
      argo: 'about 50',
    },
    ...each.map(({ call, value }) => ({ bench, figure: `… ${call}`, value, unit: '' })),
  ];
};

const measureChain: Part = async (stage, { steps }) => {
  const bareMs = await barePods(stage, steps, { inTurn: true });
  stage.watch.forget();
  const chainMs = await runAll(stage, 1, chain(steps));
  const gaps = stage.watch.gapsMs();
  return [
    { bench, figure: `chain of ${steps} steps`, value: chainMs / 1000, unit: 's', argo: `${steps * 10} s of waiting alone` },
    { bench, figure: `${steps} bare pods in turn`, value: bareMs / 1000, unit: 's' },
    { bench, figure: 'a step more than a bare pod', value: (chainMs - bareMs) / steps, unit: 'ms', argo: '10000' },
    {
      bench,
      figure: 'end of a pod told until the next is there, median',
      value: gaps[Math.floor(gaps.length / 2)] ?? Number.NaN,
      unit: 'ms',
      goal: { atMost: 150 },
    },
    { bench, figure: '… the slowest of twenty', value: gaps[Math.floor(gaps.length * 0.95)] ?? Number.NaN, unit: 'ms' },
  ];
};

const measureAtOnce: Part = async (stage) => {
  const bareMs = await barePods(stage, AT_ONCE, { inTurn: false });
  const manyMs = await runAll(stage, AT_ONCE, oneStep);
  const fanMs = await runAll(stage, 1, fan);
  return [
    { bench, figure: `${AT_ONCE} bare pods at once`, value: bareMs / 1000, unit: 's' },
    { bench, figure: `${AT_ONCE} workflows of one step`, value: manyMs / 1000, unit: 's', argo: '20 writes/s' },
    { bench, figure: `… time to that of bare pods`, value: manyMs / bareMs, unit: '×' },
    { bench, figure: `fan-out of ${AT_ONCE}`, value: fanMs / 1000, unit: 's', argo: '20 writes/s' },
    { bench, figure: `… time to that of bare pods`, value: fanMs / bareMs, unit: '×' },
  ];
};

const measureMemory: Part = async (stage, { workflows }) => {
  const before = stage.fleet.memoryByProgram();
  for (let left = workflows; left > 0; left -= AT_ONCE) {
    await runAll(stage, Math.min(left, AT_ONCE), oneStep);
    await removePods(stage.cluster, stage.namespace);
  }
  return Object.entries(stage.fleet.memoryByProgram()).flatMap(([program, value]) => [
    { bench, figure: `memory (PSS) of ${program} after ${workflows} workflows more`, value, unit: 'MB' },
    { bench, figure: `… before`, value: before[program] ?? 0, unit: 'MB' },
  ]);
};

/** In the container `wait` of a pod with a parameter and an artifact of 1 MB that goes to S3. */
const measureExecutor: Part = async (stage) => {
  if (!stage.hasStore) {
    console.log(missingPart('versitygw'));
    return [];
  }
  await runAll(stage, 1, captured);
  const most = await watchExecutor(() => runAll(stage, 3, captured));
  if (most === undefined) {
    console.log('the executor was not seen: this machine is not the node');
    return [];
  }
  return [
    { bench, figure: 'container wait, peak of its cgroup', value: most.cgroupPeakMb, unit: 'MB', goal: { atMost: 60 } },
    { bench, figure: 'its program, own memory', value: most.programOwnMb, unit: 'MB' },
    { bench, figure: 'its program, peak resident set with shared pages of Node', value: most.programPeakRssMb, unit: 'MB' },
  ];
};

const PARTS = {
  executor: measureExecutor,
  writes: measureWrites,
  chain: measureChain,
  'at-once': measureAtOnce,
  memory: measureMemory,
} satisfies Record<string, Part>;
export type ClusterPart = keyof typeof PARTS;
