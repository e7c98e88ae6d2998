import { type JobDefinition, type JobQueue } from '#libs/jobs';

import { type TakenHint } from './backend.js';
import { RowNotBegunError } from './errors.js';
import { HintName } from './hint.js';
import { type JobExecution } from './job-execution.js';
import { type LocalRunners } from './local-hints.js';
import { RowRunner } from './row-runner.js';
import { type QueueTelemetry } from './telemetry.js';

export interface HintReceiverOptions<Payload> {
  readonly job: JobDefinition<Payload>;
  readonly execution: JobExecution<Payload>;
  readonly local: LocalRunners;
  readonly queue: JobQueue;
  /** The queue that outlives this process. */
  readonly remote: JobQueue;
  readonly telemetry: QueueTelemetry;
  readonly concurrency: number;
}

/**
 * What a BullMQ worker does with the hints it takes: a timer makes its wake-up and is done; a copy of a hint that this
 * process has handled is dropped; everything else runs its row. Holds the hint until the run has ended, so that a killed
 * process's hint runs again elsewhere.
 */
export class HintReceiver<Payload> {
  readonly runner: RowRunner;

  constructor(private readonly options: HintReceiverOptions<Payload>) {
    this.runner = new RowRunner({
      run: (payload) => options.execution.run(payload),
      concurrency: options.concurrency,
      newestSequence: () => options.local.newestSequence(),
    });
  }

  async take(hint: TakenHint): Promise<void> {
    const { job, execution, local, queue, telemetry } = this.options;
    const parsed = job.payload.safeParse(hint.data.payload);
    if (!parsed.success) return execution.run(hint.data.payload);
    if (hint.name === HintName.Timer) return queue.wake(job, parsed.data);
    const key = job.keyOf(parsed.data);
    if (hint.data.origin === local.origin && this.runner.hasSeen(key, hint.data.sequence)) {
      telemetry.hintSkipped(job.queue);
      return this.runner.currentRun(key);
    }
    return this.runner.deliver(key, parsed.data).catch((error: unknown) => this.leave(error, parsed.data));
  }

  /** A hint that was taken but not begun goes back to its queue, for whoever lives on. */
  private async leave(error: unknown, payload: Payload): Promise<void> {
    if (!(error instanceof RowNotBegunError)) throw error;
    await this.options.remote.wake(this.options.job, payload);
  }
}
