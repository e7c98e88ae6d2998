/** Lines that are taken together, and the most that wait. */
const MOST_LINES = 512;

/**
 * Lines in the batches in which they come: what is there at once is given at once. Reads ahead by one batch and no further. The source is
 * ended with the batches.
 */
export async function* inBatches<Line>(lines: AsyncIterable<Line>): AsyncGenerator<Line[]> {
  let held: Line[] = [];
  let end: { error?: unknown } | undefined;
  let isStopped = false;
  let arrived: () => void = () => undefined;
  let taken: () => void = () => undefined;
  const iterator = lines[Symbol.asyncIterator]();
  const read = async (): Promise<void> => {
    while (!isStopped) {
      const result = await iterator.next();
      if (result.done === true) break;
      held.push(result.value);
      arrived();
      if (held.length >= MOST_LINES) await new Promise<void>((resolve) => (taken = resolve));
    }
  };
  const finish = (how: { error?: unknown }): void => {
    end = how;
    arrived();
  };
  read().then(
    () => finish({}),
    (error: unknown) => finish({ error }),
  );
  try {
    for (;;) {
      if (held.length === 0 && end === undefined) await new Promise<void>((resolve) => (arrived = resolve));
      // What is on its way already comes along.
      await new Promise<void>((resolve) => setImmediate(resolve));
      const batch = held;
      held = [];
      taken();
      if (batch.length > 0) yield batch;
      else if (end !== undefined) {
        if ('error' in end) throw end.error;
        return;
      }
    }
  } finally {
    isStopped = true;
    taken();
    await iterator.return?.();
  }
}
