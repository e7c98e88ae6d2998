import { setTimeout as sleep } from 'node:timers/promises';

const PAUSE_MS = 50;
const ANSWER_LIMIT_MS = 15_000;

/** Asks for one address again and again until it is told to end, as clients do that know nothing of what is going on. */
export class Asking {
  private readonly failures: string[] = [];
  private isEnding = false;
  private readonly loop: Promise<void>;

  constructor(
    private readonly url: string,
    private readonly token: string,
  ) {
    this.loop = this.run();
  }

  /** Why requests failed; empty where all were answered. */
  async end(): Promise<string[]> {
    this.isEnding = true;
    await this.loop;
    return this.failures;
  }

  private async run(): Promise<void> {
    while (!this.isEnding) {
      await this.askOnce().catch((error: unknown) => this.failures.push(`${new Date().toISOString()} ${String(error)}`));
      await sleep(PAUSE_MS);
    }
  }

  /** By a connection of its own: one that is kept may be closed under a request by any server. */
  private async askOnce(): Promise<void> {
    const headers = { authorization: `Bearer ${this.token}`, connection: 'close' };
    const answer = await fetch(this.url, { headers, signal: AbortSignal.timeout(ANSWER_LIMIT_MS) });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${answer.status} ${text}`);
  }
}
