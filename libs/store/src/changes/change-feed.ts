import { randomUUID } from 'node:crypto';

import type pg from 'pg';

import { type Database, type StoreLogger } from '../connection/database.js';

/** That the rows of a workflow changed. It names the row and carries no facts, except for what a deletion leaves nowhere else. */
export type WorkflowChange = { uid: string; type: 'changed' } | { uid: string; type: 'deleted'; namespace: string; name: string };

export interface ChangeFeedOptions {
  /** Changes of one workflow within this time are told to other processes once; default 50. */
  coalesceMs?: number;
  /** False where no other process reads this database: nothing is sent to Postgres. Default true. */
  crossProcess?: boolean;
}

const CHANNEL = 'argosy_workflows';
/** Postgres refuses payloads of 8000 bytes and more. */
const MAX_PAYLOAD_BYTES = 7500;
const RECONNECT_MS = 1000;

/**
 * Tells watchers that workflows changed: listeners in this process at once, other processes through LISTEN/NOTIFY, coalesced.
 * NOTIFY is sent after the COMMIT in a statement of its own and not in it, because committing notifiers wait for one another.
 * Crash point: after the COMMIT before the NOTIFY other processes hear nothing; a watcher therefore also looks by itself now and then.
 * States: *idle*, *pending* (changes wait for the timer), *listening* (one connection of its own, from the first subscriber to the last).
 */
export class ChangeFeed {
  readonly #database: Database;
  readonly #logger: StoreLogger | undefined;
  readonly #coalesceMs: number;
  readonly #crossProcess: boolean;
  readonly #origin = randomUUID();
  readonly #subscribers = new Set<(change: WorkflowChange) => void>();
  #pending = new Map<string, WorkflowChange>();
  #timer: NodeJS.Timeout | undefined;
  #listener: Promise<pg.Client | undefined> | undefined;
  #reconnectTimer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(database: Database, options: ChangeFeedOptions = {}, logger?: StoreLogger) {
    this.#database = database;
    this.#logger = logger;
    this.#coalesceMs = options.coalesceMs ?? 50;
    this.#crossProcess = options.crossProcess ?? true;
  }

  /** Never throws, never waits. */
  publish(change: WorkflowChange): void {
    this.#deliver(change);
    if (!this.#crossProcess || this.#closed) return;
    this.#pending.set(change.uid, change);
    this.#timer ??= setTimeout(() => void this.#flush(), this.#coalesceMs).unref();
  }

  /** Calls `onChange` for every change from now on, until the returned function is called. */
  subscribe(onChange: (change: WorkflowChange) => void): () => void {
    this.#subscribers.add(onChange);
    if (this.#crossProcess) this.#listener ??= this.#listen();
    return () => {
      this.#subscribers.delete(onChange);
      if (this.#subscribers.size === 0) void this.#stopListening();
    };
  }

  /** Resolves with true when the workflow changed, with false after `timeoutMs` or when `signal` aborts. */
  waitForChange(uid: string, timeoutMs: number, signal?: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      const finish = (changed: boolean) => {
        clearTimeout(timer);
        unsubscribe();
        signal?.removeEventListener('abort', onAbort);
        resolve(changed);
      };
      const onAbort = () => finish(false);
      const timer = setTimeout(() => finish(false), timeoutMs);
      const unsubscribe = this.subscribe((change) => {
        if (change.uid === uid) finish(true);
      });
      signal?.addEventListener('abort', onAbort);
      if (signal?.aborted) finish(false);
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#reconnectTimer);
    this.#subscribers.clear();
    if (this.#pending.size > 0) await this.#flush();
    await this.#stopListening();
  }

  #deliver(change: WorkflowChange): void {
    for (const subscriber of [...this.#subscribers]) subscriber(change);
  }

  async #flush(): Promise<void> {
    this.#timer = undefined;
    const changes = [...this.#pending.values()];
    this.#pending = new Map();
    try {
      // Losing a notification in a crash of Postgres is harmless, so its commit need not wait for the disk.
      await this.#database.run({
        name: 'changes-notify',
        text: `SELECT set_config('synchronous_commit', 'off', true), pg_notify($1, payload) FROM unnest($2::text[]) AS payload`,
        values: [CHANNEL, payloadsOf(this.#origin, changes)],
      });
    } catch (error) {
      this.#logger?.warn('changes could not be told to other processes', { error: String(error), changes: changes.length });
    }
  }

  async #listen(): Promise<pg.Client | undefined> {
    try {
      const client = await this.#database.dedicatedClient();
      client.on('notification', (message) => this.#receive(message.payload ?? ''));
      client.on('error', () => this.#reconnect());
      client.on('end', () => this.#reconnect());
      await client.query(`LISTEN ${CHANNEL}`);
      return client;
    } catch (error) {
      this.#logger?.warn('cannot listen for changes, trying again', { error: String(error) });
      this.#reconnect();
      return undefined;
    }
  }

  #reconnect(): void {
    if (this.#closed || this.#subscribers.size === 0 || this.#reconnectTimer) return;
    this.#reconnectTimer = setTimeout(() => {
      this.#reconnectTimer = undefined;
      if (this.#subscribers.size > 0) this.#listener = this.#listen();
    }, RECONNECT_MS).unref();
  }

  async #stopListening(): Promise<void> {
    const listener = this.#listener;
    this.#listener = undefined;
    const client = await listener;
    client?.removeAllListeners('end');
    await client?.end().catch(() => undefined);
  }

  #receive(payload: string): void {
    const [origin, ...changes] = JSON.parse(payload) as [string, ...WorkflowChange[]];
    if (origin === this.#origin) return;
    for (const change of changes) this.#deliver(change);
  }
}

function payloadsOf(origin: string, changes: readonly WorkflowChange[]): string[] {
  const payloads: string[] = [];
  const prefix = `[${JSON.stringify(origin)}`;
  let current = prefix;
  for (const change of changes) {
    const item = `,${JSON.stringify(change)}`;
    if (Buffer.byteLength(current) + Buffer.byteLength(item) > MAX_PAYLOAD_BYTES) {
      payloads.push(`${current}]`);
      current = prefix;
    }
    current += item;
  }
  payloads.push(`${current}]`);
  return payloads;
}
