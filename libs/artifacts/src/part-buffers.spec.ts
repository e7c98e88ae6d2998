import { Readable } from 'node:stream';

import { describe, expect, it } from 'vitest';

import { type LentPart, PartBuffers, type PartSizes } from './part-buffers.js';
import { partBytesFor, partSizes, partsOf } from './parts.js';

const MIB = 1024 ** 2;
const TIB = 1024 ** 4;
const total = (sizes: PartSizes, parts: number): number =>
  Array.from({ length: parts }, (_unused, index) => sizes(index + 1)).reduce((sum, bytes) => sum + bytes, 0);

describe('sizes of parts', () => {
  it('of a body whose size is not known reach the largest object of S3 within its 10,000 parts, and no part is too large for it', () => {
    const sizes = partSizes(partBytesFor(undefined, 8 * MIB), undefined);
    expect(total(sizes, 10_000)).toBeGreaterThan(5 * TIB);
    expect([sizes(1), sizes(1000), sizes(1001), sizes(2001)]).toEqual([8 * MIB, 8 * MIB, 16 * MIB, 32 * MIB]);
    expect(sizes(10_000)).toBeLessThanOrEqual(5 * 1024 ** 3);
  });

  it('of a body whose size is known are equal, and as small as the count of parts allows', () => {
    const sizes = partSizes(partBytesFor(5 * TIB, 8 * MIB), 5 * TIB);
    expect(sizes(1)).toBe(sizes(10_000));
    expect(total(sizes, 10_000)).toBeGreaterThanOrEqual(5 * TIB);
    expect(partBytesFor(5 * 1024 ** 3, 8 * MIB)).toBe(8 * MIB);
  });
});

const doubling: PartSizes = (number) => 4 * 2 ** Math.floor((number - 1) / 2);
const bodyOf = (text: string): Readable => Readable.from(text.match(/.{1,3}/g)!.map((piece) => Buffer.from(piece)));
const TEXT = 'abcdefghijklmnopqrstuvwxyz0123456789';

describe('parts that grow', () => {
  it('are cut where their sizes say', async () => {
    const parts: string[] = [];
    for await (const { bytes } of partsOf(bodyOf(TEXT), doubling)) parts.push(bytes.toString());
    expect(parts).toEqual(['abcd', 'efgh', 'ijklmnop', 'qrstuvwx', 'yz0123456789']);
  });

  it('are in the same memory one after the other where nobody else has use for them', async () => {
    const memory = new Set<ArrayBufferLike>();
    const parts: string[] = [];
    for await (const { bytes, isLast } of partsOf(bodyOf(TEXT), () => 12)) {
      memory.add(bytes.buffer);
      parts.push(`${bytes.toString()}${isLast ? '.' : ''}`);
    }
    expect(parts).toEqual(['abcdefghijkl', 'mnopqrstuvwx', 'yz0123456789.']);
    expect(memory.size).toBe(1);
  });

  it('share pieces of memory: no more are lent at a time than there are, and those of another size are let go', async () => {
    const lent = new Set<LentPart>();
    const memory = new Set<ArrayBufferLike>();
    const parts: string[] = [];
    let most = 0;
    for await (const part of new PartBuffers(doubling, 2).partsOf(bodyOf(TEXT))) {
      parts.push(part.bytes.toString());
      memory.add(part.bytes.buffer);
      lent.add(part);
      most = Math.max(most, lent.size);
      setImmediate(() => {
        lent.delete(part);
        part.release();
      });
    }
    expect(parts).toEqual(['abcd', 'efgh', 'ijklmnop', 'qrstuvwx', 'yz0123456789']);
    expect(most).toBe(2);
    expect(memory.size).toBeLessThanOrEqual(5);
  });

  it('take the same memory again where their sizes are the same', async () => {
    const memory = new Set<ArrayBufferLike>();
    for await (const part of new PartBuffers(() => 4, 3).partsOf(bodyOf(TEXT))) {
      memory.add(part.bytes.buffer);
      setImmediate(() => part.release());
    }
    expect(memory.size).toBeLessThanOrEqual(3);
  });

  it('are filled one after the other where they are so large that two are too much', async () => {
    const parts = new PartBuffers(() => 60 * MIB, 3).partsOf(Readable.from([Buffer.alloc(61 * MIB), Buffer.alloc(60 * MIB)]));
    const first = await parts.next();
    const second = parts.next();
    expect(await Promise.race([second, new Promise((settle) => setImmediate(() => settle('waits')))])).toBe('waits');
    (first.value as LentPart).release();
    expect(((await second).value as LentPart).bytes.length).toBe(60 * MIB);
    await parts.return(undefined);
  });
});
