import { LabelName } from '#libs/workflow-spec';
import { patiently } from '../../harness/patiently.js';
import type { Fault } from '../faults.js';
import type { Worker } from '../progress.js';
import type { ApiTrouble } from './api-proxy.js';
import type { ClusterFleet } from './cluster-fleet.js';
import type { ClusterProgram, OwnCluster } from './own-cluster.js';

const ENGINE: readonly Worker[] = ['scheduler', 'pod-manager'];
const AWAY_MS = Number(process.env['ARGOSY_API_OUTAGE_S'] ?? 20) * 1000;
const SLOW_MS = 1_000;
/** With all programs running. */
const UNREACHABLE_MS = 3_000;
const WAIT_LIMIT_MS = 60_000;

const pause = (timeMs: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, timeMs));

/** Trouble between the programs and any API server, which lasts until it is lifted. */
export const apiFaults = ({ proxy }: Pick<ClusterFleet, 'proxy'>): Fault[] => {
  const from = (name: string, begin: () => void): Fault => ({
    name,
    workers: ENGINE,
    strike: async () => {
      begin();
      return Promise.resolve(Date.now());
    },
  });
  const during = (name: string, trouble: ApiTrouble): Fault => from(name, () => proxy.make(trouble));
  return [
    during(`API server slowed to ${SLOW_MS} ms per call`, { delayMs: SLOW_MS }),
    during('API server refuses every second request (429)', { refusedOf: 2 }),
    during('every fourth answer of the API server gets lost', { lostOf: 4 }),
    from('every watch is broken off and has expired (410)', () => proxy.expireWatches()),
    {
      name: 'all programs start while the API server cannot be reached',
      workers: ENGINE,
      strike: async ({ programs }) => {
        proxy.make({ isAway: true });
        await Promise.all(Object.values(programs).map((program) => program.kill()));
        for (const program of Object.values(programs)) program.start();
        const serves = async (): Promise<boolean> => {
          const answers = await Promise.all(Object.values(programs).map((program) => program.readiness()));
          return answers.every(({ status }) => status > 0);
        };
        await patiently(serves, () => 'all programs have started', WAIT_LIMIT_MS);
        await pause(UNREACHABLE_MS);
        proxy.make();
        return Date.now();
      },
    },
  ];
};

const away = (program: ClusterProgram, name: string, meanwhile: () => Promise<void>, back: () => Promise<void>): Fault => ({
  name,
  workers: ENGINE,
  strike: async () => {
    const start = await program.kill();
    try {
      await meanwhile();
    } finally {
      start();
    }
    await back();
    return Date.now();
  },
});

/** What only the cluster that the run has started itself is put through. */
export const clusterFaults = (own: OwnCluster): Fault[] => [
  {
    name: `kube-apiserver stands still for ${AWAY_MS / 1000} s`,
    workers: ENGINE,
    strike: async () => {
      own.apiServer.freeze();
      await pause(AWAY_MS);
      own.apiServer.thaw();
      return Date.now();
    },
  },
  away(
    own.apiServer,
    `SIGKILL kube-apiserver, away for ${AWAY_MS / 1000} s, etcd compacted`,
    async () => {
      await own.compact();
      await pause(AWAY_MS);
    },
    async () => {
      await own.waitUntilReady();
      await own.restartControllers();
    },
  ),
];
/** Its calls to the container runtime are cut off: what it was just starting fails, and other attempts follow. */
export const kubeletRestart = (own: OwnCluster): Fault =>
  away(
    own.kubelet,
    'SIGKILL kubelet and its start',
    () => Promise.resolve(),
    () => Promise.resolve(),
  );

/** Names of the pods of a workflow that run or wait for a node, in the order of their names. */
export const livePods = async ({ cluster, namespace }: ClusterFleet, workflow: string): Promise<string[]> => {
  const { items } = await cluster.api.list(
    { apiVersion: 'v1', plural: 'pods', namespace },
    { labelSelector: `${LabelName.workflow}=${workflow},${LabelName.completed}=false` },
  );
  return items.map(({ metadata: { name } }) => name).sort();
};

/** A person deletes a pod. */
export const deletePod = async ({ cluster, namespace }: ClusterFleet, name: string): Promise<void> => {
  await cluster.kubectl(['-n', namespace, 'delete', 'pod', name, '--grace-period=1', '--wait=false']);
};

/** As `kubectl drain` does, but of the pods of these workflows only; the nodes take pods again afterwards. Answers the pods that were evicted. */
export const drained = async (stack: ClusterFleet, workflows: readonly string[]): Promise<string[]> => {
  const { cluster, namespace } = stack;
  const nodes = (await cluster.api.list({ apiVersion: 'v1', plural: 'nodes' })).items.map(({ metadata: { name } }) => name);
  try {
    await cluster.kubectl(['cordon', ...nodes]);
    const pods = (await Promise.all(workflows.map((workflow) => livePods(stack, workflow)))).flat();
    for (const name of pods) {
      const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace } };
      const address = { apiVersion: 'v1', plural: 'pods', namespace, name, subresource: 'eviction' };
      await cluster.api.create(address, { ...eviction, deleteOptions: { gracePeriodSeconds: 1 } });
    }
    await patiently(
      async () => (await unscheduled(stack)) > 0,
      () => 'the next attempts wait for a node',
      WAIT_LIMIT_MS,
    );
    return pods;
  } finally {
    await cluster.kubectl(['uncordon', ...nodes]);
  }
};

const unscheduled = async ({ cluster, namespace }: ClusterFleet): Promise<number> => {
  const { items } = await cluster.api.list({ apiVersion: 'v1', plural: 'pods', namespace }, { fieldSelector: 'spec.nodeName=' });
  return items.length;
};
