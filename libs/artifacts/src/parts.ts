import type { Readable } from 'node:stream';

/** One part of a body. Memory holds one of them, and what the stream before it holds. */
interface BodyPart {
  bytes: Buffer;
  isLast: boolean;
}

/** Size of the parts in which bodies are sent to stores that take them in parts. */
const PART_BYTES = 16 * 1024 ** 2;

/** A body in parts of exactly `partBytes`, the last one smaller; an empty body is one empty part. */
export async function* partsOf(body: Readable, partBytes = PART_BYTES): AsyncGenerator<BodyPart> {
  let held: Buffer[] = [];
  let heldBytes = 0;
  for await (const chunk of body as AsyncIterable<Buffer | string>) {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    held.push(bytes);
    heldBytes += bytes.length;
    // One byte more than a part is waited for, so that the last part is known as the last.
    while (heldBytes > partBytes) {
      const whole = held.length === 1 ? (held[0] ?? bytes) : Buffer.concat(held, heldBytes);
      yield { bytes: whole.subarray(0, partBytes), isLast: false };
      held = [whole.subarray(partBytes)];
      heldBytes -= partBytes;
    }
  }
  yield { bytes: Buffer.concat(held, heldBytes), isLast: true };
}

/** Stores count at most this many parts. */
const MAX_PARTS = 10_000;

/** The size of parts with which a body of `sizeBytes` stays below the most parts that stores take. */
export function partBytesFor(sizeBytes: number | undefined): number {
  return sizeBytes === undefined ? PART_BYTES : Math.max(PART_BYTES, Math.ceil(sizeBytes / MAX_PARTS));
}
