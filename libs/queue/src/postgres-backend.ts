import { createPostgresBackend, type PgPool, Queue, runMigrations, Worker } from 'bullmq';
import { Pool } from 'pg';

import {
  type BoardQueue,
  type HintProducer,
  type HintWorker,
  type HintWorkerOptions,
  type QueueBackend,
  workerTiming,
} from './backend.js';
import { endsWithin } from './bounded-wait.js';
import { superviseEvents, toProducer } from './bullmq-adapter.js';
import { type Hint } from './hint.js';
import { ListeningPool, SharedListener } from './shared-listener.js';
import { type QueueLogger } from './telemetry.js';

/** Where the database is: a URL, or its parts (a socket folder as host, say). */
export interface PostgresLocation {
  readonly connectionString?: string;
  readonly host?: string;
  readonly port?: number;
  readonly user?: string;
  readonly password?: string;
  readonly database?: string;
}

export interface PostgresBackendOptions {
  /** The same database as the store's, or another. */
  readonly connection: PostgresLocation;
  /** Most connections beside the one that listens for all workers. */
  readonly queryConnections: number;
  readonly logger: QueueLogger;
}

const CONNECT_TIMEOUT_MS = 5_000;
/** A connection that is cut off without a word must not hold a query for ever. */
const QUERY_TIMEOUT_MS = 30_000;
const RETRY_MS = 500;
/** A worker whose handler does not end keeps its connection. */
const CLOSE_LIMIT_MS = 5_000;
const PROBE_INTERVAL_MS = 1_000;
/** An idle worker is woken by NOTIFY; this poll only covers a notification that was lost. */
const IDLE_POLL_SECONDS = 30;
/** The only schema in which BullMQ looks for its tables when it is given a pool. */
const SCHEMA = 'bullmq';

/**
 * BullMQ on Postgres, in a schema of its own. One pool a process, shared by its queues and workers; one of its
 * connections listens for all workers. Commits are asynchronous: a crash of the database may lose the newest hints, which the
 * sweeper makes again.
 */
export class PostgresQueueBackend implements QueueBackend {
  readonly kind = 'postgres';
  private readonly pool: Pool;
  private readonly listener: SharedListener;
  private readonly ready: Promise<void>;
  private readonly backListeners: (() => void)[] = [];
  private migrated = false;
  private away = false;
  private closing = false;
  private probe: NodeJS.Timeout | undefined;

  constructor(private readonly options: PostgresBackendOptions) {
    this.pool = new Pool({
      ...options.connection,
      options: `-c search_path=${SCHEMA} -c synchronous_commit=off`,
      max: options.queryConnections + 1,
      keepAlive: true,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      query_timeout: QUERY_TIMEOUT_MS,
      application_name: 'argosy-queue',
    });
    // Every queue and worker of BullMQ adds a listener of its own.
    this.pool.setMaxListeners(0);
    this.pool.on('error', (error) => this.report(error));
    this.listener = new SharedListener(this.pool);
    this.ready = this.migrate();
  }

  whenReady(): Promise<void> {
    return this.ready;
  }

  async isReady(): Promise<boolean> {
    if (!this.migrated || this.closing) return false;
    return this.pool.query('SELECT 1').then(
      () => true,
      () => false,
    );
  }

  /** Postgres throws no rows away. */
  async problem(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  onBack(listener: () => void): void {
    this.backListeners.push(listener);
  }

  createProducer(queueName: string): HintProducer {
    const producer = toProducer(this.queue(queueName));
    return { ...producer, addBulk: (hints) => producer.addBulk(hints).catch((error: unknown) => this.refuse(error)) };
  }

  createBoardQueue(queueName: string): BoardQueue {
    return this.queue(queueName);
  }

  createWorker(queueName: string, options: HintWorkerOptions): HintWorker {
    const worker = new Worker(
      queueName,
      (job: { name: string; data: Hint }) => options.handle({ name: job.name, data: job.data }),
      {
        ...workerTiming,
        connection: new ListeningPool(this.pool, this.listener) as unknown as PgPool,
        concurrency: options.concurrency,
        autorun: false,
        drainDelay: IDLE_POLL_SECONDS,
      },
      createPostgresBackend,
    );
    superviseEvents(worker, options);
    return { run: () => worker.run(), close: (force) => worker.close(force) };
  }

  async close(): Promise<void> {
    this.closing = true;
    clearInterval(this.probe);
    await this.ready;
    await endsWithin(this.pool.end(), CLOSE_LIMIT_MS);
  }

  private queue(queueName: string): Queue {
    const queue = new Queue(
      queueName,
      { connection: this.pool as unknown as PgPool, skipMetasUpdate: true },
      createPostgresBackend,
    );
    queue.on('error', (error) => this.report(error));
    return queue as unknown as Queue;
  }

  /** Tries until the database is there; the process lives meanwhile. */
  private async migrate(): Promise<void> {
    while (!this.closing) {
      try {
        const client = await this.pool.connect();
        try {
          await runMigrations(client, SCHEMA);
        } finally {
          client.release();
        }
        this.migrated = true;
        this.backListeners.forEach((listener) => listener());
        return;
      } catch (error) {
        this.report(error as Error);
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  }

  private refuse(error: unknown): never {
    if (!this.away) {
      this.away = true;
      this.probe = setInterval(() => void this.lookForReturn(), PROBE_INTERVAL_MS);
      this.probe.unref();
    }
    throw error;
  }

  private async lookForReturn(): Promise<void> {
    if (!this.away || !(await this.isReady())) return;
    this.away = false;
    clearInterval(this.probe);
    this.backListeners.forEach((listener) => listener());
  }

  private report(error: Error): void {
    if (!this.closing) this.options.logger.debug('queue database connection', { error: error.message });
  }
}
