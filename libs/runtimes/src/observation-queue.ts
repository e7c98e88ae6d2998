import type { RuntimeLogger } from './collaborators.js';
import type { PodObservation } from './contract.js';
import { identityKey } from './pod-identity.js';

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 10_000;

/**
 * Hands observations to the owner of the database, in batches and one batch at a time. Idle → sending → idle; a failed batch is
 * offered again after a growing pause, for ever. A newer observation of a pod replaces one that was not sent yet: only the latest
 * state counts. What is in memory here is lost with the process, harmless: a runtime observes its pods anew at start.
 */
export class ObservationQueue {
  private readonly waiting = new Map<string, PodObservation>();
  private sending: Promise<void> | null = null;
  private pause: NodeJS.Timeout | null = null;
  private endPause: (() => void) | null = null;
  private closed = false;

  constructor(
    private readonly observe: (observations: PodObservation[]) => Promise<void>,
    private readonly logger: RuntimeLogger,
  ) {}

  add(observation: PodObservation): void {
    this.waiting.set(identityKey(observation.identity), observation);
    if (this.sending === null && !this.closed) this.sending = this.send();
  }

  /** Resolves when nothing is on its way any more; what could not be delivered is dropped. */
  async close(): Promise<void> {
    this.closed = true;
    if (this.pause !== null) clearTimeout(this.pause);
    this.endPause?.();
    await this.sending;
  }

  private async send(): Promise<void> {
    let pauseMs = FIRST_PAUSE_MS;
    // One turn of the event loop lets observations of the same moment travel together.
    await new Promise<void>((resolve) => setImmediate(resolve));
    while (this.waiting.size > 0 && !this.closed) {
      const batch = new Map(this.waiting);
      this.waiting.clear();
      try {
        await this.observe([...batch.values()]);
        pauseMs = FIRST_PAUSE_MS;
      } catch (error) {
        for (const [key, observation] of batch) if (!this.waiting.has(key)) this.waiting.set(key, observation);
        this.logger.warn('observations could not be recorded; trying again', { err: error, count: batch.size, pauseMs });
        await this.rest(pauseMs);
        pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
      }
    }
    // In the same turn as the last look: what comes later begins anew.
    this.sending = null;
  }

  private async rest(pauseMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      this.endPause = resolve;
      this.pause = setTimeout(resolve, pauseMs);
    });
  }
}
