import type { Logger } from '#libs/observability';
import { PeriodicTask } from '#libs/queue';
import type { PodRuntime } from '#libs/runtimes';
import type { PodHostRepository } from '#libs/store';
import type { Clock } from '#libs/workflow-spec';

export interface HostHeartbeatOptions {
  hosts: Pick<PodHostRepository, 'upsert'>;
  host: string;
  /** Where this program serves the logs of its pods; '' where it does not. */
  url: string;
  runtime: Pick<PodRuntime, 'name' | 'abilities'>;
  clock: Clock;
  logger: Logger;
  intervalMs: number;
}

/** Until it is announced nobody can read the logs of its pods. */
const RETRY_MS = 1_000;

/** Says at the start and every interval that this host is there and where its logs are served; each beat tells the same. */
export const hostHeartbeat = ({ hosts, host, url, runtime, clock, logger, intervalMs }: HostHeartbeatOptions): PeriodicTask =>
  new PeriodicTask({
    name: 'announce this host',
    intervalMs,
    logger,
    atStart: true,
    retryMs: RETRY_MS,
    run: () => hosts.upsert({ host, url, runtime: runtime.name, abilities: runtime.abilities ?? null, seenAtMs: clock.nowMs() }),
  });
