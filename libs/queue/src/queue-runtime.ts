import { type JobDefinition, type JobQueue, queueNameOf } from '#libs/jobs';
import { type Clock } from '#libs/workflow-spec';

import { type QueueBackend } from './backend.js';
import { endsWithin } from './bounded-wait.js';
import { BullMqJobQueue, type QueueBacklog } from './bullmq-job-queue.js';
import { HintReceiver } from './hint-receiver.js';
import { JobExecution, type JobHandler } from './job-execution.js';
import { LocalFirstJobQueue, LocalRunners } from './local-hints.js';
import { type QueueLogger, type QueueTelemetry, silentTelemetry } from './telemetry.js';
import { WorkerSupervisor } from './worker-supervisor.js';

/** `queue`: every hint travels through BullMQ. `local-first`: rows handled in this process are woken in memory first. */
export type Delivery = 'queue' | 'local-first';

export interface QueueRuntimeOptions {
  readonly backend: QueueBackend;
  readonly delivery: Delivery;
  readonly clock: Clock;
  readonly logger: QueueLogger;
  readonly telemetry?: QueueTelemetry;
}

export interface ConsumeOptions {
  /** Rows at the same time; the job's own default where absent. */
  readonly concurrency?: number;
  /** Lanes to read beside the job's common queue, such as this host's. */
  readonly lanes?: readonly string[];
  /** Time between two looks at the worker, in milliseconds; for tests. */
  readonly checkIntervalMs?: number;
}

/** How long closing waits for handlers in progress; their hints run again elsewhere. */
const DRAIN_LIMIT_MS = 20_000;

/** A consumer of one job kind; `close` waits up to 20 s for the handlers in progress. */
export interface JobConsumer {
  close(): Promise<void>;
}

/**
 * A program's queue: one backend, one JobQueue for its services to wake rows with, and consumers of the jobs it claims.
 * Several services in one process share one runtime. It starts and stays up while its database is away.
 */
export class QueueRuntime {
  readonly queue: JobQueue;
  private readonly remote: BullMqJobQueue;
  private readonly localFirst: LocalFirstJobQueue | undefined;
  private readonly local = new LocalRunners();
  private readonly telemetry: QueueTelemetry;
  private readonly consumers = new Set<JobConsumer>();
  private closed: Promise<void> | undefined;
  private readonly consumedQueues = new Set<string>();

  constructor(private readonly options: QueueRuntimeOptions) {
    this.telemetry = options.telemetry ?? silentTelemetry;
    this.remote = new BullMqJobQueue({ ...options, telemetry: this.telemetry });
    if (options.delivery === 'local-first')
      this.localFirst = new LocalFirstJobQueue(this.local, this.remote, options.clock, this.telemetry);
    this.queue = this.localFirst ?? this.remote;
  }

  /** Begins to run `handler` for the job's hints; waits for nothing, and keeps its workers alive until closed. */
  consume<Payload>(job: JobDefinition<Payload>, handler: JobHandler<Payload>, options: ConsumeOptions = {}): JobConsumer {
    const { backend, clock, logger } = this.options;
    const { telemetry, queue, local } = this;
    const concurrency = options.concurrency ?? job.concurrency;
    const execution = new JobExecution({ job, handler, queue, clock, logger, telemetry });
    const receiver = new HintReceiver({ job, execution, local, queue, remote: this.remote, telemetry, concurrency });
    const queueNames = [queueNameOf(job), ...(options.lanes ?? []).map((lane) => queueNameOf(job, lane))];
    const supervisors = queueNames.map((queueName) => {
      local.register(queueName, receiver.runner);
      this.consumedQueues.add(queueName);
      const supervisor = new WorkerSupervisor({
        backend,
        queueName,
        concurrency,
        logger,
        telemetry,
        handle: (hint) => receiver.take(hint),
        waitingCount: () => this.remote.waitingCount(queueName),
        ...(options.checkIntervalMs === undefined ? {} : { checkIntervalMs: options.checkIntervalMs }),
      });
      supervisor.start();
      return supervisor;
    });
    const consumer: JobConsumer = {
      close: async () => {
        this.consumers.delete(consumer);
        queueNames.forEach((queueName) => local.unregister(queueName));
        const drained = Promise.all([receiver.runner.close(), ...supervisors.map((supervisor) => supervisor.close())]);
        if (!(await endsWithin(drained, DRAIN_LIMIT_MS)))
          logger.warn('handlers do not end; they are left behind', { queue: job.queue });
      },
    };
    this.consumers.add(consumer);
    return consumer;
  }

  /** What waits in each queue that this process consumes. Rejects while the database is away. */
  async backlogs(): Promise<ReadonlyMap<string, QueueBacklog>> {
    const names = [...this.consumedQueues];
    return new Map(await Promise.all(names.map(async (name) => [name, await this.remote.backlog(name)] as const)));
  }

  /** Whether the queue's database answers now. */
  isReady(): Promise<boolean> {
    return this.options.backend.isReady();
  }

  /** Settles when the queue's database has been reached for the first time. */
  whenReady(): Promise<void> {
    return this.options.backend.whenReady();
  }

  /** Ends consumers, leaves unfinished hints to BullMQ, and closes every connection. */
  close(): Promise<void> {
    this.closed ??= this.closeOnce();
    return this.closed;
  }

  private async closeOnce(): Promise<void> {
    await Promise.all([...this.consumers].map((consumer) => consumer.close()));
    await this.localFirst?.close();
    await this.remote.close();
    await this.options.backend.close();
  }
}
