interface Waiting<Item> {
  item: Item;
  resolve: () => void;
  reject: (error: unknown) => void;
}

/**
 * Gathers single writes of many callers into few statements: while one batch is on its way, the next one collects. A caller's promise
 * settles with the batch that its item was in. States: *idle*, *writing* (at most one batch at a time).
 */
export class WriteBatcher<Item> {
  readonly #write: (items: Item[]) => Promise<void>;
  readonly #maxItems: number;
  #waiting: Waiting<Item>[] = [];
  #writing = false;

  constructor(write: (items: Item[]) => Promise<void>, maxItems = 500) {
    this.#write = write;
    this.#maxItems = maxItems;
  }

  add(item: Item): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      if (!this.#writing) {
        this.#writing = true;
        // Callers of the same turn share the first batch.
        queueMicrotask(() => void this.#drain());
      }
    });
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, this.#maxItems);
      try {
        await this.#write(batch.map(({ item }) => item));
        for (const { resolve } of batch) resolve();
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.#writing = false;
  }
}
