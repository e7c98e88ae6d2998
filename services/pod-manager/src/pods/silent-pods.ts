import type { Logger } from '#libs/observability';
import { PeriodicTask } from '#libs/queue';
import type { PodRuntime } from '#libs/runtimes';
import type { PodKey, PodStatusRepository } from '#libs/store';
import type { Clock } from '#libs/workflow-spec';

export interface SilentPodsOptions {
  podStatus: Pick<PodStatusRepository, 'silentPage' | 'touch'>;
  runtime: Pick<PodRuntime, 'inspect' | 'followsPod'>;
  clock: Clock;
  logger: Logger;
  host: string;
  silentAfterMs: number;
}

const PAGE = 200;

/**
 * Asks the runtime about pods of this host of which nothing was heard for long: an observation that was lost with a process is
 * made again, and a pod that is gone is reported as gone. Without it a lost report would be waited for for ever. Where several share the pods, who follows one asks.
 */
export const silentPods = (options: SilentPodsOptions): PeriodicTask =>
  new PeriodicTask({
    name: 'ask about silent pods',
    intervalMs: options.silentAfterMs / 2,
    logger: options.logger,
    run: () => askAbout(options),
  });

async function askAbout({ podStatus, runtime, clock, host, silentAfterMs }: SilentPodsOptions): Promise<void> {
  const notSeenSinceMs = clock.nowMs() - silentAfterMs;
  let after: PodKey | undefined;
  for (;;) {
    const page = await podStatus.silentPage({ host, notSeenSinceMs, limit: PAGE, ...(after ? { after } : {}) });
    const asked = page.filter((identity) => runtime.followsPod?.(identity) ?? true);
    for (const identity of asked) await runtime.inspect(identity);
    await podStatus.touch(asked, clock.nowMs());
    after = page.at(-1);
    if (page.length < PAGE) return;
  }
}
