/** As many are kept while a log is read once; more are counted first and then read a second time. */
const MOST_KEPT = 10_000;
const MOST_KEPT_CHARACTERS = 16 * 1024 ** 2;

/** The last lines of what can be read again, in batches and bounded memory. */
export async function* lastLines<Line extends { text: string }>(
  read: () => AsyncIterable<Line[]>,
  count: number,
): AsyncGenerator<Line[]> {
  if (count <= 0) return;
  let total = 0;
  let kept: Line[] | undefined = count <= MOST_KEPT ? [] : undefined;
  let characters = 0;
  for await (const batch of read()) {
    total += batch.length;
    if (kept === undefined) continue;
    kept.push(...batch);
    characters += batch.reduce((sum, { text }) => sum + text.length, 0);
    const tooMany = kept.length - count;
    if (tooMany > 0) characters -= kept.splice(0, tooMany).reduce((sum, { text }) => sum + text.length, 0);
    if (characters > MOST_KEPT_CHARACTERS) kept = undefined;
  }
  if (kept === undefined) yield* skipped(read(), Math.max(0, total - count));
  else yield kept;
}

async function* skipped<Line>(batches: AsyncIterable<Line[]>, count: number): AsyncGenerator<Line[]> {
  let left = count;
  for await (const batch of batches) {
    const rest = left === 0 ? batch : batch.slice(left);
    left = Math.max(0, left - batch.length);
    if (rest.length > 0) yield rest;
  }
}
