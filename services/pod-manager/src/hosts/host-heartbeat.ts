import type { Logger } from '#libs/observability';
import type { PodHostRepository } from '#libs/store';
import type { Clock } from '#libs/workflow-spec';

export interface HostHeartbeatOptions {
  hosts: Pick<PodHostRepository, 'upsert'>;
  host: string;
  /** Where this program serves the logs of its pods; '' where it does not. */
  url: string;
  runtime: string;
  clock: Clock;
  logger: Logger;
  intervalMs: number;
}

/** Says every interval that this host is there and where its logs are served. A beat that fails is only logged: the next one tells the same. */
export class HostHeartbeat {
  private timer: NodeJS.Timeout | undefined;
  private beating: Promise<void> = Promise.resolve();

  constructor(private readonly options: HostHeartbeatOptions) {}

  start(): void {
    this.timer = setInterval(() => void this.beat(), this.options.intervalMs);
    this.timer.unref();
    void this.beat();
  }

  beat(): Promise<void> {
    const { hosts, host, url, runtime, clock, logger } = this.options;
    this.beating = hosts.upsert({ host, url, runtime, seenAtMs: clock.nowMs() }).catch((error: unknown) => {
      logger.debug('this host could not be announced', { host, error: error instanceof Error ? error.message : String(error) });
    });
    return this.beating;
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.beating;
  }
}
