import type { Logger } from '#libs/observability';
import { PeriodicTask, type SweepLease } from '#libs/queue';
import { ResourceExpiredError, type ResourceStore } from '#libs/resources';
import type { ScheduleKey, ScheduleRepository } from '#libs/store';
import { type Clock, Kind } from '#libs/workflow-spec';
import type { ScheduleService } from './schedule.service.js';

export interface ScheduleTimerOptions {
  service: Pick<ScheduleService, 'visit'>;
  schedules: Pick<ScheduleRepository, 'due' | 'keys'>;
  resources: Pick<ResourceStore, 'list' | 'watch'>;
  lease: SweepLease;
  clock: Clock;
  logger: Pick<Logger, 'debug' | 'warn'>;
  /** Between two looks at what is due. */
  intervalMs: number;
}

const PAGE = 500;
/** Between two looks at all CronWorkflows; changes are heard of at once by the watch. */
const FULL_LOOK_MS = 60_000;
const RECONNECT_MS = 1_000;
const AT_ONCE = 8;

const idOf = ({ namespace, name }: ScheduleKey): string => `${namespace}/${name}`;

/**
 * Visits the CronWorkflows whose tick has come, whose child has ended, or that were changed. One process at a time does, by a lease that
 * only saves work: two at once decide a tick once. Of many schedules that are due, several are visited at the same time.
 * States: stopped, resting, visiting; a watch collects what was changed meanwhile.
 */
export class ScheduleTimer {
  private readonly task: PeriodicTask;
  private readonly changed = new Map<string, ScheduleKey>();
  private lookedAtAllMs: number | undefined;
  private ending: AbortController | undefined;
  private watching: Promise<void> | undefined;

  constructor(private readonly options: ScheduleTimerOptions) {
    const { lease, logger, intervalMs } = options;
    this.task = new PeriodicTask({ name: 'schedules', intervalMs, logger, lease, atStart: true, run: () => this.round() });
  }

  start(): void {
    if (this.ending !== undefined) return;
    this.ending = new AbortController();
    this.watching = this.watch(this.ending.signal);
    this.task.start();
  }

  /** Ends after the round in progress. */
  async stop(): Promise<void> {
    this.ending?.abort();
    this.ending = undefined;
    await Promise.all([this.task.stop(), this.watching]);
  }

  /** One round; for tests, which have no patience. */
  async round(): Promise<void> {
    const { schedules, clock } = this.options;
    const isTimeForAll = this.lookedAtAllMs === undefined || clock.nowMs() - this.lookedAtAllMs >= FULL_LOOK_MS;
    const keys = new Map(this.changed);
    this.changed.clear();
    if (isTimeForAll) for (const key of await this.all()) keys.set(idOf(key), key);
    for (const key of await schedules.due({ nowMs: clock.nowMs(), limit: PAGE })) keys.set(idOf(key), key);
    await this.visitAll([...keys.values()]);
    if (isTimeForAll) this.lookedAtAllMs = clock.nowMs();
  }

  private async visitAll(keys: ScheduleKey[]): Promise<void> {
    const waiting = [...keys];
    const visitNext = async (): Promise<void> => {
      for (let key = waiting.shift(); key !== undefined; key = waiting.shift()) await this.visit(key);
    };
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, keys.length) }, visitNext));
  }

  /** One schedule that cannot be visited does not keep the others from being. */
  private async visit(key: ScheduleKey): Promise<void> {
    try {
      if (await this.options.service.visit(key)) this.changed.set(idOf(key), key);
    } catch (error) {
      this.changed.set(idOf(key), key);
      this.options.logger.warn('a CronWorkflow could not be looked at; the next round does', {
        ...key,
        error: error instanceof Error ? error.message : String(error),
      });
    }
  }

  /** All that exist, and all that have a schedule and may exist no more. */
  private async all(): Promise<ScheduleKey[]> {
    const { schedules, resources } = this.options;
    const keys: ScheduleKey[] = await schedules.keys();
    let continueToken: string | undefined;
    do {
      const page = await resources.list(Kind.CronWorkflow, '', { limit: PAGE, ...(continueToken ? { continueToken } : {}) });
      for (const { metadata } of page.items) keys.push({ namespace: metadata.namespace ?? '', name: metadata.name });
      continueToken = page.continueToken;
    } while (continueToken !== undefined);
    return keys;
  }

  private async watch(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        for await (const { object } of this.options.resources.watch(Kind.CronWorkflow, '', { signal })) {
          const key = { namespace: object.metadata.namespace ?? '', name: object.metadata.name };
          this.changed.set(idOf(key), key);
        }
      } catch (error) {
        if (!(error instanceof ResourceExpiredError))
          this.options.logger.debug('the watch of CronWorkflows ended', { error: (error as Error).message });
        await new Promise<void>((resolve) => {
          setTimeout(resolve, RECONNECT_MS).unref();
          signal.addEventListener('abort', () => resolve(), { once: true });
        });
        // What changed while nobody watched is found by the next look at all.
        this.lookedAtAllMs = undefined;
      }
    }
  }
}
