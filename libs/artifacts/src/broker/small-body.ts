import { Readable } from 'node:stream';

/** A body that is no larger than was asked for, as a whole; else a stream of all of it. */
type BodyBySize = { whole: Buffer } | { stream: Readable };

/** Reads a body until it ends or has more than `mostBytes`; of a larger one nothing is copied. */
export async function bodyBySize(body: Readable, mostBytes: number): Promise<BodyBySize> {
  const chunks = body[Symbol.asyncIterator]() as AsyncIterator<Buffer | string>;
  const held: Buffer[] = [];
  let heldBytes = 0;
  while (heldBytes <= mostBytes) {
    const next = await chunks.next();
    if (next.done === true) return { whole: Buffer.concat(held, heldBytes) };
    const chunk = typeof next.value === 'string' ? Buffer.from(next.value) : next.value;
    held.push(chunk);
    heldBytes += chunk.length;
  }
  return { stream: Readable.from(joined(held, chunks), { objectMode: false }) };
}

/** What was read, which is let go as it is given on, and the rest. */
async function* joined(held: Buffer[], rest: AsyncIterator<Buffer | string>): AsyncGenerator<Buffer | string> {
  for (let chunk = held.shift(); chunk !== undefined; chunk = held.shift()) yield chunk;
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
}
