import { Queue, Worker } from 'bullmq';
import { Redis, type RedisOptions } from 'ioredis';

import {
  type BoardQueue,
  type HintProducer,
  type HintWorker,
  type HintWorkerOptions,
  type QueueBackend,
  workerTiming,
} from './backend.js';
import { superviseEvents, toProducer } from './bullmq-adapter.js';
import { type Hint } from './hint.js';
import { type QueueLogger } from './telemetry.js';

export interface RedisBackendOptions {
  /** redis:// or rediss:// URL. */
  readonly url: string;
  /** Key prefix of every queue; tests use a random one. */
  readonly prefix: string;
  readonly logger: QueueLogger;
}

const RECONNECT_STEP_MS = 200;
const RECONNECT_LIMIT_MS = 2_000;
const COMMAND_TIMEOUT_MS = 2_000;
const KEEPING_POLICY = 'noeviction';

/** Redis replies in their classic shapes, which is what BullMQ reads. */
type ConnectOptions = Omit<RedisOptions, 'replyMapping'>;

const patient: ConnectOptions = {
  retryStrategy: (attempt) => Math.min(attempt * RECONNECT_STEP_MS, RECONNECT_LIMIT_MS),
  maxRetriesPerRequest: null,
};
/** A producer never waits for Redis: what cannot be sent at once is refused, kept in memory and sent on return. */
const impatient: ConnectOptions = {
  ...patient,
  enableOfflineQueue: false,
  maxRetriesPerRequest: 0,
  commandTimeout: COMMAND_TIMEOUT_MS,
};

/**
 * BullMQ on Redis. Two connections a process (one that refuses at once for producers, one that waits for workers) and one
 * blocking connection more per worker. Reconnects for ever with at most 2 s between attempts.
 */
export class RedisQueueBackend implements QueueBackend {
  readonly kind = 'redis';
  private readonly producing: Redis;
  private consuming: Redis | undefined;
  private readonly backListeners: (() => void)[] = [];
  private closing = false;

  constructor(private readonly options: RedisBackendOptions) {
    this.producing = this.connect(impatient);
    this.producing.on('ready', () => this.backListeners.forEach((listener) => listener()));
  }

  whenReady(): Promise<void> {
    if (this.producing.status === 'ready') return Promise.resolve();
    return new Promise((resolve) => this.producing.once('ready', () => resolve()));
  }

  isReady(): Promise<boolean> {
    if (this.producing.status !== 'ready') return Promise.resolve(false);
    return this.producing.ping().then(
      () => true,
      () => false,
    );
  }

  async problem(): Promise<string | undefined> {
    const policy = /^maxmemory_policy:(\S+)/m.exec(await this.producing.info('memory'))?.[1];
    return policy === undefined || policy === KEEPING_POLICY
      ? undefined
      : `Redis may evict what waits: maxmemory-policy is ${policy}`;
  }

  onBack(listener: () => void): void {
    this.backListeners.push(listener);
  }

  createProducer(queueName: string): HintProducer {
    return toProducer(this.queue(queueName));
  }

  createBoardQueue(queueName: string): BoardQueue {
    return this.queue(queueName);
  }

  createWorker(queueName: string, options: HintWorkerOptions): HintWorker {
    this.consuming ??= this.connect(patient);
    const copies = copiesOf(this.consuming);
    const worker = new Worker<Hint, void>(queueName, (job) => options.handle({ name: job.name, data: job.data }), {
      ...workerTiming,
      connection: this.consuming,
      prefix: this.options.prefix,
      concurrency: options.concurrency,
      autorun: false,
    });
    superviseEvents(worker, options);
    const own = copies.taken();
    const close = async (force: boolean): Promise<void> => {
      try {
        await worker.close(force);
      } finally {
        own.forEach(endForEver);
      }
    };
    return { run: () => worker.run(), close };
  }

  async close(): Promise<void> {
    this.closing = true;
    for (const connection of [this.producing, this.consuming]) connection?.disconnect();
    await Promise.resolve();
  }

  private queue(queueName: string): Queue {
    const queue = new Queue(queueName, {
      connection: this.producing,
      prefix: this.options.prefix,
      skipMetasUpdate: true,
    });
    queue.on('error', (error) => this.report(error));
    return queue;
  }

  private connect(options: ConnectOptions): Redis {
    const connection = new Redis(this.options.url, options);
    connection.on('error', (error: Error) => this.report(error));
    return connection;
  }

  private report(error: Error): void {
    if (!this.closing) this.options.logger.debug('redis connection', { error: error.message });
  }
}

/** Watches which copies of a connection are made, until they are taken. */
const copiesOf = (connection: Redis): { taken(): Redis[] } => {
  const copies: Redis[] = [];
  const duplicate = connection.duplicate.bind(connection);
  connection.duplicate = (override) => {
    const copy = duplicate(override);
    copies.push(copy);
    return copy;
  };
  return {
    taken: () => {
      connection.duplicate = duplicate;
      return copies;
    },
  };
};

/**
 * Ends the connection on which a worker waited. BullMQ closes it too, but not where that happens in an outage between two attempts to connect: it would go on
 * trying for ever, and a program that is told to stop would not end.
 */
const endForEver = (connection: Redis): void => {
  connection.options.retryStrategy = () => null;
  connection.connect = () => Promise.reject(new Error('the worker of this connection is closed'));
  connection.on('error', () => undefined);
  connection.disconnect();
};
