import { type EmbeddedPostgres, startEmbeddedPostgres } from '#libs/store';

/** A Postgres of the test's own that can be stopped and started again on its data; the address stays the same. */
export class PostgresServer {
  private server: EmbeddedPostgres | undefined;

  constructor(private readonly dataDir: string) {}

  /** For DATABASE_URL; known once it was started. */
  get url(): string {
    if (this.knownUrl === undefined) throw new Error('Postgres was never started');
    return this.knownUrl;
  }
  private knownUrl: string | undefined;

  async start(): Promise<void> {
    // No fsync: the machine does not crash in this test, only processes do.
    const settings = { max_connections: '200', shared_buffers: '64MB' };
    this.server = await startEmbeddedPostgres({ dataDir: this.dataDir, onLive: 'stop', durable: false, settings });
    const { host, port, user, database } = this.server.connection;
    this.knownUrl = `postgres://${user}@localhost/${database}?host=${encodeURIComponent(host)}&port=${port}`;
  }

  /** Where it will be, before it was ever up: starts and stops it once. */
  async prepare(): Promise<void> {
    await this.start();
    await this.stop();
  }

  /** SIGKILL, as a crash; the next start recovers. */
  kill(): void {
    const { server } = this;
    this.server = undefined;
    if (server !== undefined) process.kill(server.pid, 'SIGKILL');
  }

  async stop(): Promise<void> {
    const { server } = this;
    this.server = undefined;
    await server?.stop();
  }
}
