import type { Logger } from '#libs/observability';
import type { PodRuntime } from '#libs/runtimes';
import type { PodKey, PodStatusRepository } from '#libs/store';
import type { Clock } from '#libs/workflow-spec';

export interface SilentPodsOptions {
  podStatus: Pick<PodStatusRepository, 'silentPage' | 'touch'>;
  runtime: Pick<PodRuntime, 'inspect'>;
  clock: Clock;
  logger: Logger;
  host: string;
  silentAfterMs: number;
}

const PAGE = 200;

/**
 * Asks the runtime about pods of this host of which nothing was heard for long: an observation that was lost with a process is
 * made again, and a pod that is gone is reported as gone. Without it a lost report would be waited for for ever.
 */
export class SilentPods {
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> | undefined;

  constructor(private readonly options: SilentPodsOptions) {}

  start(): void {
    this.timer = setInterval(() => void this.run(), this.options.silentAfterMs / 2);
    this.timer.unref();
  }

  run(): Promise<void> {
    this.running ??= this.pass()
      .catch((error: unknown) => {
        this.options.logger.debug('silent pods could not be looked for', {
          error: error instanceof Error ? error.message : String(error),
        });
      })
      .finally(() => {
        this.running = undefined;
      });
    return this.running;
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.running;
  }

  private async pass(): Promise<void> {
    const { podStatus, runtime, clock, host, silentAfterMs } = this.options;
    const notSeenSinceMs = clock.nowMs() - silentAfterMs;
    let after: PodKey | undefined;
    for (;;) {
      const page = await podStatus.silentPage({ host, notSeenSinceMs, limit: PAGE, ...(after ? { after } : {}) });
      for (const identity of page) await runtime.inspect(identity);
      await podStatus.touch(page, clock.nowMs());
      after = page.at(-1);
      if (page.length < PAGE) return;
    }
  }
}
