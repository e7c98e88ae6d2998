/** Credentials that somebody lends until a time. */
export interface Lent<Credentials> {
  credentials: Credentials;
  expiresAtMs: number;
}

/** What was lent is asked for again this long before it ends. */
const EARLY_MS = 5 * 60_000;

/** Keeps what was lent until shortly before its end; those who ask at the same time share one request. */
export class LentCredentials<Credentials> {
  private current: Promise<Lent<Credentials>> | undefined;

  constructor(
    private readonly clock: { nowMs(): number },
    private readonly lend: () => Promise<Lent<Credentials>>,
  ) {}

  async get(): Promise<Credentials> {
    const kept = await this.current?.catch(() => undefined);
    if (kept !== undefined && kept.expiresAtMs - EARLY_MS > this.clock.nowMs()) return kept.credentials;
    this.current = this.lend();
    return (await this.current).credentials;
  }
}
