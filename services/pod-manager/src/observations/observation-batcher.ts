import type { Logger } from '#libs/observability';
import type { PodObservation } from '#libs/runtimes';

interface Waiting {
  observations: PodObservation[];
  resolve: () => void;
  reject: (error: unknown) => void;
}

/**
 * Gathers what the runtime saw into few transactions. While one batch is being written the next one fills: a lone observation
 * is written at once, a storm in batches. `add` resolves when the observations are safe in the database, and rejects with
 * what the write threw: the runtime then offers them again.
 */
export class ObservationBatcher {
  private waiting: Waiting[] = [];
  private writing: Promise<void> | undefined;

  constructor(
    private readonly write: (observations: PodObservation[]) => Promise<void>,
    private readonly maxBatch: number,
    private readonly logger: Logger,
  ) {}

  add(observations: PodObservation[]): Promise<void> {
    if (observations.length === 0) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.waiting.push({ observations, resolve, reject });
      this.writing ??= this.drain();
    });
  }

  /** Resolves when everything that was added so far is written or refused. */
  async settled(): Promise<void> {
    while (this.writing) await this.writing;
  }

  private async drain(): Promise<void> {
    // Yielding once lets observations that arrive in the same turn share a batch.
    await Promise.resolve();
    while (this.waiting.length > 0) {
      const taken = this.take();
      try {
        await this.write(taken.flatMap(({ observations }) => observations));
        for (const { resolve } of taken) resolve();
      } catch (error) {
        this.logger.warn('pod observations could not be written; the runtime offers them again', {
          error: error instanceof Error ? error.message : String(error),
          count: taken.length,
        });
        for (const { reject } of taken) reject(error);
      }
    }
    this.writing = undefined;
  }

  private take(): Waiting[] {
    let end = 0;
    for (let count = 0; end < this.waiting.length && count < this.maxBatch; end += 1)
      count += this.waiting[end]?.observations.length ?? 0;
    return this.waiting.splice(0, end);
  }
}
