import { EventEmitter } from 'node:events';

import { type Pool, type PoolClient, type QueryResult } from 'pg';

/**
 * One connection that listens for all workers of a process, where BullMQ would keep one each. States: closed, opening, open;
 * the first worker that listens opens it, the last that leaves closes it. When it is lost, every worker is told and listens
 * anew, which opens the next one.
 */
export class SharedListener {
  private readonly members = new Set<ListeningClient>();
  private client: Promise<PoolClient> | undefined;
  private readonly released = new WeakSet<PoolClient>();
  private statements: Promise<unknown> = Promise.resolve();

  constructor(private readonly pool: Pool) {}

  async listen(member: ListeningClient, statement: string): Promise<QueryResult> {
    this.members.add(member);
    this.client ??= this.open();
    const client = await this.client;
    // A connection takes one statement at a time.
    const listening = this.statements.then(() => client.query(statement));
    this.statements = listening.catch(() => undefined);
    return listening;
  }

  leave(member: ListeningClient): void {
    this.members.delete(member);
    if (this.members.size > 0) return;
    const client = this.client;
    this.client = undefined;
    void client?.then((open) => this.release(open)).catch(() => undefined);
  }

  private async open(): Promise<PoolClient> {
    try {
      const client = await this.pool.connect();
      client.on('notification', (message) => this.members.forEach((member) => member.emit('notification', message)));
      client.on('error', (error) => this.lose(client, error));
      return client;
    } catch (error) {
      this.client = undefined;
      throw error;
    }
  }

  /** A connection that is lost says so more than once, and again after it was left. */
  private release(client: PoolClient): void {
    if (this.released.has(client)) return;
    this.released.add(client);
    client.release(true);
  }

  private lose(client: PoolClient, error: Error): void {
    if (this.released.has(client)) return;
    const members = [...this.members];
    this.members.clear();
    this.client = undefined;
    this.release(client);
    for (const member of members) if (member.listenerCount('error') > 0) member.emit('error', error);
  }
}

const LISTEN = /^\s*LISTEN\s/im;

/** What a worker takes for its own connection: it listens on the shared one, and anything else goes through the pool. */
class ListeningClient extends EventEmitter {
  constructor(
    private readonly pool: Pool,
    private readonly shared: SharedListener,
  ) {
    super();
  }

  query(statement: string, values?: unknown[]): Promise<QueryResult> {
    if (LISTEN.test(statement)) return this.shared.listen(this, statement);
    return this.pool.query(statement, values);
  }

  release(): void {
    this.shared.leave(this);
  }
}

/** A pool, as BullMQ's workers see it, whose checked-out clients share one listening connection. */
export class ListeningPool {
  /** BullMQ reads here that lost connections are noticed. */
  readonly options = { keepAlive: true };

  constructor(
    private readonly pool: Pool,
    private readonly shared: SharedListener,
  ) {}

  query(statement: string, values?: unknown[]): Promise<QueryResult> {
    return this.pool.query(statement, values);
  }

  connect(): Promise<ListeningClient> {
    return Promise.resolve(new ListeningClient(this.pool, this.shared));
  }

  /** The pool's own errors are reported by whoever made it. */
  on(): this {
    return this;
  }

  end(): Promise<void> {
    return Promise.resolve();
  }
}
