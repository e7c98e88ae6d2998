import { type JobDefinition, type JobOutcome, type JobQueue } from '#libs/jobs';

/** A wake-up that a RecordingJobQueue was asked for. */
export interface RecordedWake {
  readonly queue: string;
  readonly payload: unknown;
  /** Of a timer. */
  readonly atMs?: number;
  readonly afresh?: true;
}

/** A JobQueue that delivers nothing and remembers what was asked of it, in order. */
export class RecordingJobQueue implements JobQueue {
  readonly wakes: RecordedWake[] = [];

  wake<Payload>(job: JobDefinition<Payload>, payload: Payload): Promise<void> {
    return this.wakeMany(job, [payload]);
  }

  wakeMany<Payload>(job: JobDefinition<Payload>, payloads: readonly Payload[]): Promise<void> {
    this.wakes.push(...payloads.map((payload) => ({ queue: job.queue, payload })));
    return Promise.resolve();
  }

  wakeAfresh<Payload>(job: JobDefinition<Payload>, payloads: readonly Payload[]): Promise<void> {
    this.wakes.push(...payloads.map((payload) => ({ queue: job.queue, payload, afresh: true as const })));
    return Promise.resolve();
  }

  wakeAt<Payload>(job: JobDefinition<Payload>, payload: Payload, atMs: number): Promise<void> {
    this.wakes.push({ queue: job.queue, payload, atMs });
    return Promise.resolve();
  }

  /** Payloads of the wake-ups of `job` so far, timers left out. */
  wokenFor<Payload>(job: JobDefinition<Payload>): Payload[] {
    return this.wakes
      .filter((wake) => wake.queue === job.queue && wake.atMs === undefined)
      .map((wake) => wake.payload as Payload);
  }
}

interface Row {
  payload: unknown;
  running: boolean;
  again: boolean;
}

/**
 * A JobQueue inside the test: handlers run at once, at most one per key, and a wake-up of a running row runs it once more.
 * It passes the same contract suite as the real ones.
 */
export class MemoryJobQueue implements JobQueue {
  private readonly handlers = new Map<string, (payload: unknown) => Promise<JobOutcome>>();
  private readonly rows = new Map<string, Row>();
  private readonly timers = new Set<NodeJS.Timeout>();

  /** Runs `handler` for the job's wake-ups from now on; earlier ones were lost. */
  handle<Payload>(job: JobDefinition<Payload>, handler: (payload: Payload) => Promise<JobOutcome>): void {
    this.handlers.set(job.queue, async (payload) => {
      const outcome = await handler(payload as Payload);
      if (outcome === undefined) return;
      if ('again' in outcome) await this.wake(job, payload as Payload);
      else await this.wakeAt(job, payload as Payload, outcome.wakeAtMs);
    });
  }

  wake<Payload>(job: JobDefinition<Payload>, payload: Payload): Promise<void> {
    const id = `${job.queue} ${job.keyOf(payload)}`;
    const row = this.rows.get(id) ?? { payload, running: false, again: false };
    this.rows.set(id, row);
    row.payload = payload;
    if (row.running) row.again = true;
    else void this.run(job.queue, id, row);
    return Promise.resolve();
  }

  async wakeMany<Payload>(job: JobDefinition<Payload>, payloads: readonly Payload[]): Promise<void> {
    for (const payload of payloads) await this.wake(job, payload);
  }

  wakeAfresh<Payload>(job: JobDefinition<Payload>, payloads: readonly Payload[]): Promise<void> {
    return this.wakeMany(job, payloads);
  }

  wakeAt<Payload>(job: JobDefinition<Payload>, payload: Payload, atMs: number): Promise<void> {
    const timer = setTimeout(
      () => {
        this.timers.delete(timer);
        void this.wake(job, payload);
      },
      Math.max(0, atMs - Date.now()),
    );
    this.timers.add(timer);
    return Promise.resolve();
  }

  /** Forgets timers and handlers. */
  close(): void {
    for (const timer of this.timers) clearTimeout(timer);
    this.timers.clear();
    this.handlers.clear();
  }

  private async run(queue: string, id: string, row: Row): Promise<void> {
    row.running = true;
    await Promise.resolve();
    do {
      row.again = false;
      await this.handlers
        .get(queue)?.(row.payload)
        .catch(() => undefined);
    } while (row.again);
    this.rows.delete(id);
  }
}
