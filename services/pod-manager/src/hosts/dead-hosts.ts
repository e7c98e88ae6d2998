import type { Logger } from '#libs/observability';
import { PeriodicTask } from '#libs/queue';
import type { PodObservation, PodRuntime } from '#libs/runtimes';
import type { HeldPod, PodHost, PodHostRepository, PodKey, PodStatusRepository, TaskRepository } from '#libs/store';
import type { Clock } from '#libs/workflow-spec';

export interface DeadHostsOptions {
  hosts: Pick<PodHostRepository, 'list' | 'removeIdle'>;
  podStatus: Pick<PodStatusRepository, 'heldPage' | 'markDeletedMany'>;
  /** What needs no pod is given back, for another host to do. */
  tasks: Pick<TaskRepository, 'release'>;
  /** What it had run for its own use goes. */
  runtime: Pick<PodRuntime, 'buryHost'>;
  observe: (observations: PodObservation[]) => Promise<void>;
  clock: Clock;
  logger: Logger;
  /** This host, which is never dead to itself. */
  host: string;
  /** A host whose heartbeat stands still for this long is dead. */
  deadAfterMs: number;
}

const PAGE = 200;
const LOOKS_PER_LIMIT = 5;
const RUNNING_RANK = 2;
const FINAL_RANK = 3;

interface Silence {
  seenAtMs: number;
  sinceMs: number;
}

/**
 * Notices heartbeats that stand still. Only what was looked at without a gap counts, by this process's own clock: after a time in
 * which the database was away every heartbeat is old, and clocks of hosts may differ.
 */
export class HostSilence {
  private readonly silences = new Map<string, Silence>();
  private lookedAtMs = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly deadAfterMs: number,
    private readonly longestGapMs: number,
  ) {}

  /** Takes what the table says now; gives the hosts that have been silent for too long. */
  look(hosts: readonly PodHost[], nowMs: number): string[] {
    if (nowMs - this.lookedAtMs > this.longestGapMs) this.silences.clear();
    this.lookedAtMs = nowMs;
    const present = new Set(hosts.map(({ host }) => host));
    for (const host of this.silences.keys()) if (!present.has(host)) this.silences.delete(host);
    return hosts
      .filter(({ host, seenAtMs }) => {
        const before = this.silences.get(host);
        if (before?.seenAtMs === seenAtMs) return nowMs - before.sinceMs >= this.deadAfterMs;
        this.silences.set(host, { seenAtMs, sinceMs: nowMs });
        return false;
      })
      .map(({ host }) => host);
  }
}

/**
 * Reports the pods of hosts that never came back as lost, so that retries can go on; every pod-manager does it, and repeating it is
 * harmless. A host that comes back nevertheless meets its pods as ended: what it says of them changes nothing, and a retry has
 * another identity, so no identity ever runs twice. Its row goes when it holds nothing more.
 */
export const deadHosts = (options: DeadHostsOptions): PeriodicTask => {
  const intervalMs = options.deadAfterMs / LOOKS_PER_LIMIT;
  const silence = new HostSilence(options.deadAfterMs, intervalMs * 2);
  return new PeriodicTask({
    name: 'report the pods of dead hosts',
    intervalMs,
    logger: options.logger,
    atStart: true,
    run: async () => {
      const hosts = await options.hosts.list();
      for (const host of silence.look(hosts, options.clock.nowMs())) {
        if (host !== options.host) await bury(host, options);
      }
    },
  });
};

async function bury(host: string, { hosts, podStatus, tasks, runtime, observe, clock, logger }: DeadHostsOptions): Promise<void> {
  const released = await tasks.release(host);
  if (released > 0) logger.warn('a host of tasks is dead; they are done again elsewhere', { host, tasks: released });
  await runtime.buryHost?.(host);
  let after: PodKey | undefined;
  let lost = 0;
  for (;;) {
    const page: HeldPod[] = await podStatus.heldPage({ host, limit: PAGE, ...(after ? { after } : {}) });
    const active = page.filter(({ rank }) => rank < FINAL_RANK);
    if (active.length > 0) await observe(active.map(({ key, rank }) => lostPod(key, host, rank)));
    await podStatus.markDeletedMany(
      page.filter(({ wanted }) => !wanted).map(({ key }) => key),
      clock.nowMs(),
    );
    lost += active.length;
    after = page.at(-1)?.key;
    if (page.length < PAGE) break;
  }
  if (lost > 0) logger.warn('a host of pods is dead; its pods are reported as lost', { host, pods: lost });
  if (lost === 0 && after === undefined) await hosts.removeIdle(host);
}

/** A pod that nobody saw running is one that failed before it began: as Kubernetes does when a node is shut down. */
const lostPod = (identity: PodKey, host: string, rank: number): PodObservation => ({
  identity,
  ...(rank < RUNNING_RANK ? ({ phase: 'Failed', neverBegan: 'NodeShutdown' } as const) : ({ phase: 'Gone' } as const)),
  infrastructure: true,
  message: 'pod deleted',
  hostNodeName: host,
});
