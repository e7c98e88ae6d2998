import type { Readable } from 'node:stream';

import { PartBuffers, type PartSizes } from './part-buffers.js';

/** One part of a body, which is good until the next one is asked for. */
interface BodyPart {
  bytes: Buffer;
  isLast: boolean;
}

/** Size of the parts in which bodies are sent to stores that take them in parts. */
const PART_BYTES = 16 * 1024 ** 2;

/** A body in parts of exactly these sizes, the last one smaller; an empty body is one empty part. All are in the same memory, one after the other. */
export async function* partsOf(body: Readable, sizeOf: PartSizes = () => PART_BYTES): AsyncGenerator<BodyPart> {
  for await (const { bytes, isLast, release } of new PartBuffers(sizeOf, 1).partsOf(body)) {
    yield { bytes, isLast };
    release();
  }
}

/** Stores count at most this many parts. */
const MAX_PARTS = 10_000;
/** After so many parts of a body without a known size, they are twice as large. */
const PARTS_OF_ONE_SIZE = 1_000;

/** The first size of parts with which a body of `sizeBytes` stays below the most parts that stores take. */
export function partBytesFor(sizeBytes: number | undefined, atLeast = PART_BYTES): number {
  return sizeBytes === undefined ? atLeast : Math.max(atLeast, Math.ceil(sizeBytes / MAX_PARTS));
}

/**
 * Parts of one size where the body's is known. Where it is not, they double after every thousandth: most bodies have equal parts (which some
 * stores insist on) and need little memory, and 10,000 parts that begin with 5 MiB are 4.9 of the 5 TiB that S3 takes.
 */
export function partSizes(firstBytes: number, sizeBytes: number | undefined): PartSizes {
  if (sizeBytes !== undefined) return () => firstBytes;
  return (number) => firstBytes * 2 ** Math.floor((number - 1) / PARTS_OF_ONE_SIZE);
}
