import { type ApiObject, watchObjects } from '#libs/kubernetes';
import type { TestCluster } from '#libs/testing';
import { until } from './bench-run.js';

/** When a pod was made, and when it was told that its containers have ended, in the clock of this process. */
export interface PodTimes {
  name: string;
  madeMs: number;
  endedMs: number | undefined;
}

interface PodStatus {
  phase?: string;
  containerStatuses?: { state?: { terminated?: object } }[];
}

/** A kubelet tells the end of the containers some time before it makes it the pod's phase. */
const hasEnded = ({ phase, containerStatuses = [] }: PodStatus): boolean =>
  phase === 'Succeeded' ||
  phase === 'Failed' ||
  (containerStatuses.length > 0 && containerStatuses.every(({ state }) => state?.terminated !== undefined));

const LIMIT_MS = 600_000;
const PODS = { apiVersion: 'v1', plural: 'pods' } as const;

/** Follows the pods of a namespace as anybody's watch sees them. */
export class PodWatch {
  readonly pods = new Map<string, PodTimes>();
  private readonly ending = new AbortController();
  private readonly following: Promise<void>;

  constructor(
    private readonly cluster: TestCluster,
    private readonly namespace: string,
  ) {
    this.following = this.follow();
  }

  /** Those that were made from now on are counted. */
  forget(): void {
    this.pods.clear();
  }

  /** Between the end of a pod and the next one of those that were made one after the other, from the shortest on. */
  gapsMs(): number[] {
    const inTurn = [...this.pods.values()].sort((one, other) => one.madeMs - other.madeMs);
    const gaps = inTurn.slice(1).map(({ madeMs }, index) => madeMs - (inTurn[index]?.endedMs ?? Number.NaN));
    return gaps.sort((one, other) => one - other);
  }

  async end(): Promise<void> {
    this.ending.abort();
    await this.following;
  }

  private async follow(): Promise<void> {
    const { signal } = this.ending;
    const address = { ...PODS, namespace: this.namespace };
    const { resourceVersion } = await this.cluster.api.list(address);
    try {
      for await (const { object } of watchObjects(this.cluster.api, address, { resourceVersion, signal })) this.see(object);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  private see(pod: ApiObject): void {
    const { name } = pod.metadata;
    const times = this.pods.get(name) ?? { name, madeMs: performance.now(), endedMs: undefined };
    this.pods.set(name, times);
    if (hasEnded((pod['status'] ?? {}) as PodStatus)) times.endedMs ??= performance.now();
  }
}

/** Makes so many pods of the program that the workflows' pods run, without any workflow; gives the time until all have ended. */
export const barePods = async (
  { cluster, namespace, watch }: { cluster: TestCluster; namespace: string; watch: PodWatch },
  count: number,
  { inTurn }: { inTurn: boolean },
): Promise<number> => {
  const make = async (): Promise<string> => {
    const { metadata } = await cluster.api.create<ApiObject>(
      { ...PODS, namespace },
      {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { generateName: 'bare-' },
        spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'busybox', command: ['true'] }] },
      },
    );
    return metadata.name;
  };
  const ended = (names: readonly string[]): Promise<void> =>
    until('bare pods have ended', () => Promise.resolve(names.every((name) => watch.pods.get(name)?.endedMs !== undefined)), {
      limitMs: LIMIT_MS,
      everyMs: 1,
    });
  const startedMs = performance.now();
  const names: string[] = [];
  for (let made = 0; inTurn && made < count; made += 1) {
    const name = await make();
    await ended([name]);
    names.push(name);
  }
  if (!inTurn) {
    names.push(...(await Promise.all(Array.from({ length: count }, make))));
    await ended(names);
  }
  const tookMs = performance.now() - startedMs;
  await cluster.api.deleteCollection(
    { ...PODS, namespace },
    { gracePeriodSeconds: 0, labelSelector: '!workflows.argoproj.io/workflow' },
  );
  return tookMs;
};
