import type { Logger } from '#libs/observability';
import type { RivalController, WorkflowObjectEvent, WorkflowObjects } from '#libs/resources';
import type { AdvisoryLease } from '#libs/store';
import { TransientError } from '#libs/workflow-spec';
import type { IntakeService } from './intake.service.js';

/** What the loop is wired from. */
export interface IntakeLoopOptions {
  objects: Pick<WorkflowObjects, 'follow'>;
  intake: Pick<IntakeService, 'begin' | 'take' | 'leave' | 'retryWaiting' | 'removeMissing' | 'isOutdated'>;
  lease: Pick<AdvisoryLease, 'run'>;
  /** Argo's controller of this instance, where it is alive. */
  rival: () => Promise<RivalController | undefined>;
  logger: Logger;
  /** Between two tries to become the one who follows. */
  intervalMs: number;
}

const RETRY_MS = { first: 200, most: 5_000 };
const NAME_RETRY_MS = 300;

/**
 * Follows workflow objects in one process at a time (two at once do the same work twice, without harm). Events are taken one after the
 * other; where the database is away, the event in hand waits, and with it the watch. States: stopped, waiting for the lease, following.
 */
export class IntakeLoop {
  private ending: AbortController | undefined;
  private running: Promise<void> | undefined;
  private isFailing = false;

  constructor(private readonly options: IntakeLoopOptions) {}

  /** Starting twice is starting once. */
  start(): void {
    if (this.ending !== undefined) return;
    this.ending = new AbortController();
    this.running = this.run(this.ending.signal);
  }

  /** Ends after the event in hand. */
  async stop(): Promise<void> {
    this.ending?.abort();
    await this.running;
    this.ending = undefined;
  }

  private async run(signal: AbortSignal): Promise<void> {
    const { lease, logger, intervalMs } = this.options;
    while (!signal.aborted) {
      try {
        await lease.run('intake', () => this.follow(signal));
        this.isFailing = false;
      } catch (error) {
        const fields = { error: error instanceof Error ? error.message : String(error) };
        // Of failures in a row only the first is a warning.
        logger[this.isFailing ? 'debug' : 'warn']('workflow objects cannot be followed now', fields);
        this.isFailing = true;
      }
      await pause(intervalMs, signal);
    }
  }

  /** Ends, to begin with another list, where the one that it began with is outdated. */
  private async follow(stopping: AbortSignal): Promise<void> {
    const { objects, intake, logger } = this.options;
    intake.begin(await this.warnOfRival());
    const outdated = new AbortController();
    const signal = AbortSignal.any([stopping, outdated.signal]);
    const inTurn = turns();
    const retry = async (): Promise<void> => {
      await intake.retryWaiting();
      if (intake.isOutdated) outdated.abort();
    };
    const retrying = setInterval(() => void inTurn(retry).catch(() => undefined), NAME_RETRY_MS).unref();
    const onTrouble = (error: Error): void => logger.warn('the cluster does not answer intake', { error: error.message });
    try {
      for await (const event of objects.follow({ signal, onTrouble })) {
        await this.untilDone(() => inTurn(() => this.handle(event)), signal);
      }
    } finally {
      clearInterval(retrying);
      // What it does with this list must not reach into the next one.
      await inTurn(() => Promise.resolve());
    }
  }

  /** Whether it is there. It runs what is made from now on as well; workflows that it has begun are another matter, see TakeoverService. */
  private async warnOfRival(): Promise<boolean> {
    // Whether it may be looked for, or the cluster answers, shows where it matters.
    const rival = await this.options.rival().catch(() => undefined);
    if (rival === undefined) return false;
    const { logger } = this.options;
    logger.warn('a controller of Argo is alive: where it has the same namespaces, both run what is made', {
      holder: rival.holder,
    });
    return true;
  }

  private handle(event: WorkflowObjectEvent): Promise<void> {
    const { intake } = this.options;
    switch (event.type) {
      case 'present':
        return intake.take(event.object, event.isNext);
      case 'deleted':
      case 'missed':
        return intake.leave(event.key);
      case 'synced':
        return intake.removeMissing();
    }
  }

  private async untilDone(work: () => Promise<void>, signal: AbortSignal): Promise<void> {
    for (let waitMs = RETRY_MS.first; !signal.aborted; waitMs = Math.min(2 * waitMs, RETRY_MS.most)) {
      try {
        await work();
        return;
      } catch (error) {
        if (!(error instanceof TransientError)) throw error;
        this.options.logger.warn('an event of a workflow object waits', { error: error.message });
        await pause(waitMs, signal);
      }
    }
  }
}

/** Runs pieces of work one after the other. */
const turns = (): ((work: () => Promise<void>) => Promise<void>) => {
  let last: Promise<void> = Promise.resolve();
  return (work) => {
    const turn = last.then(work);
    last = turn.catch(() => undefined);
    return turn;
  };
};

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end, { once: true });
  });
