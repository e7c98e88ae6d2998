import { Readable } from 'node:stream';

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { TransientError, type ArtifactLocation } from '#libs/workflow-spec';

import { finishLog } from './finish-log.js';
import type { LogObjects, LogPlace } from './log-objects.js';
import { LogTimes } from './log-times.js';
import { type LogByteSource, SegmentWriter } from './segment-writer.js';
import { findLog, linesOf } from './stored-log.js';

const KEY = 'wf/pod/main.log';
const place: LogPlace = {
  location: { s3: { bucket: 'b', key: KEY } },
  namespace: 'argo',
  workflowUid: 'u',
  nodeId: 'n',
  incarnation: 1,
};

/** An object store in memory, whose saves can be made to fail. */
class MemoryObjects implements LogObjects {
  readonly objects = new Map<string, { body: Buffer; metadata: Record<string, string> }>();
  failingSaves = 0;

  driverFor() {
    const keyOf = ({ s3 }: ArtifactLocation): string => String(s3?.key);
    const { objects } = this;
    return {
      load: async (location: ArtifactLocation) => Readable.from([objects.get(keyOf(location))?.body ?? Buffer.alloc(0)]),
      save: async (location: ArtifactLocation, body: Readable, { metadata }: { metadata: Record<string, string> }) => {
        const bytes = Buffer.concat((await body.toArray()) as Buffer[]);
        if ((this.failingSaves -= 1) >= 0) throw new TransientError('away');
        objects.set(keyOf(location), { body: bytes, metadata });
      },
      async *list(location: ArtifactLocation) {
        for (const [key, { body }] of [...objects].sort())
          if (key.startsWith(`${keyOf(location)}/`)) yield { key, sizeBytes: body.length };
      },
      delete: async (location: ArtifactLocation) => void objects.delete(keyOf(location)),
      head: async (location: ArtifactLocation) => {
        const found = objects.get(keyOf(location));
        return found && { sizeBytes: found.body.length, metadata: found.metadata };
      },
    };
  }

  text(): string {
    return this.objects.get(KEY)?.body.toString() ?? '';
  }
}

/** A container that has printed `text`, read in pieces of `pieceBytes`; one that does not end waits for the signal. */
const printed = (text: string, { pieceBytes = 3, isEnded = true } = {}): LogByteSource => ({
  async *read({ byte }, signal) {
    const bytes = Buffer.from(text);
    for (let at = byte; at < bytes.length; at += pieceBytes)
      yield { bytes: bytes.subarray(at, at + pieceBytes), atMs: 1_000 + at };
    if (!isEnded) await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  },
});

const writer = (objects: LogObjects, segmentBytes = 8, segmentMs = 60_000): SegmentWriter =>
  new SegmentWriter({ place, objects, segmentBytes: () => segmentBytes, segmentMs });

const allLines = async (objects: LogObjects): Promise<string[]> => {
  const log = await findLog(objects, place);
  const lines: string[] = [];
  if (log !== undefined) for await (const batch of linesOf(log)) lines.push(...batch.map(({ text }) => text));
  return lines;
};

const never = new AbortController().signal;

describe('a log that is shipped in segments', () => {
  it('is there while the container runs, cut by size and by age', async () => {
    const objects = new MemoryObjects();
    const stop = new AbortController();
    const shipping = writer(objects, 6, 20).ship(printed('one\ntwo\nthree', { isEnded: false }), stop.signal);
    while ((await allLines(objects)).at(-1) !== 'three') await new Promise((resolve) => setTimeout(resolve, 5));
    expect([...objects.objects.keys()].sort()).toEqual(
      ['000-006', '006-012', '012-013'].map(
        (name) => `${KEY}.segments/1/${name.replace(/\d+/g, (part) => part.padStart(15, '0'))}`,
      ),
    );
    stop.abort();
    await shipping;
  });

  it('becomes the one object that Argo leaves, with the times of its lines', async () => {
    const objects = new MemoryObjects();
    await writer(objects).ship(printed('one\ntwo\nthree\n'), never);
    await finishLog(objects, place);
    expect([...objects.objects.keys()]).toEqual([KEY]);
    expect(objects.text()).toBe('one\ntwo\nthree\n');
    const log = await findLog(objects, place);
    expect([log?.form, log?.times.at(4), log?.times.at(14)]).toEqual(['whole', 1_003, 1_012]);
    await finishLog(objects, place);
    expect(objects.text()).toBe('one\ntwo\nthree\n');
  });

  it('is empty where nothing was printed, and stays as it was saved from the pod', async () => {
    const objects = new MemoryObjects();
    await finishLog(objects, place);
    expect([[...objects.objects.keys()], objects.text()]).toEqual([[KEY], '']);
    await writer(objects).ship(printed('part and what nobody saved'), never);
    const metadata = { 'workflow-uid': 'u', 'node-id': 'n', 'log-incarnation': '1', 'log-complete': 'true' };
    objects.objects.set(KEY, { body: Buffer.from('part'), metadata });
    await finishLog(objects, place);
    expect([[...objects.objects.keys()], objects.text()]).toEqual([[KEY], 'part']);
  });

  it('goes on where it was made too early', async () => {
    const objects = new MemoryObjects();
    await writer(objects).ship(printed('one\ntw'), never);
    await finishLog(objects, place);
    await new SegmentWriter({ place, objects, segmentBytes: () => 4, segmentMs: 60_000 }).ship(printed('one\ntwo\nthree'), never);
    await finishLog(objects, place);
    expect([[...objects.objects.keys()], objects.text()]).toEqual([[KEY], 'one\ntwo\nthree']);
  });

  it('is not taken for the log of an earlier pod of the same name', async () => {
    const objects = new MemoryObjects();
    await writer(objects).ship(printed('first'), never);
    await finishLog(objects, place);
    const second = { ...place, incarnation: 2 };
    expect(await findLog(objects, second)).toBeUndefined();
    await new SegmentWriter({ place: second, objects, segmentBytes: () => 4, segmentMs: 1_000 }).ship(printed('second'), never);
    expect((await findLog(objects, second))?.form).toBe('segments');
    await finishLog(objects, second);
    expect(objects.text()).toBe('second');
    await writer(objects).ship(printed('late'), never);
    await finishLog(objects, place);
    expect([[...objects.objects.keys()], objects.text()]).toEqual([[KEY], 'second']);
  });

  it('is whole and has nothing twice, whoever dies when and whoever was thought dead', async () => {
    const log = fc.string({ unit: fc.constantFrom('a', 'ü', '\n'), maxLength: 60 });
    const lives = fc.array(
      fc.record({ seenBytes: fc.nat(80), segmentBytes: fc.integer({ min: 1, max: 20 }), isBlind: fc.boolean() }),
      { maxLength: 5 },
    );
    await fc.assert(
      fc.asyncProperty(log, lives, async (text, writers) => {
        const objects = new MemoryObjects();
        for (const { seenBytes, segmentBytes, isBlind } of writers) {
          // One that does not see what others have written is one that asked before they did.
          const known = isBlind ? withoutListing(objects) : objects;
          const seen = Buffer.from(text).subarray(0, seenBytes);
          await new SegmentWriter({ place, objects: known, segmentBytes: () => segmentBytes, segmentMs: 60_000 }).ship(
            { read: ({ byte }) => asChunks(seen.subarray(byte)) },
            never,
          );
        }
        await writer(objects).ship(printed(text), never);
        const lines = text.split('\n');
        if (lines.at(-1) === '') lines.pop();
        expect(await allLines(objects)).toEqual(lines);
        await finishLog(objects, place);
        expect(objects.text()).toBe(text);
      }),
      { numRuns: 200 },
    );
  });

  it('goes on where its source said that it can, which the last segment keeps', async () => {
    const objects = new MemoryObjects();
    const asked: unknown[] = [];
    const source: LogByteSource = {
      async *read(from) {
        asked.push(from);
        yield { bytes: Buffer.from('12345678'), atMs: 1, bookmark: `behind ${from.byte + 8}` };
      },
    };
    for (let times = 0; times < 3; times += 1) await writer(objects).ship(source, never);
    expect(asked).toEqual([
      { byte: 0, bookmark: undefined },
      { byte: 8, bookmark: 'behind 8' },
      { byte: 16, bookmark: 'behind 16' },
    ]);
  });

  it('has each byte once where its source breaks off before a segment is written', async () => {
    const objects = new MemoryObjects();
    let readings = 0;
    const source: LogByteSource = {
      async *read({ byte }) {
        readings += 1;
        yield { bytes: Buffer.from('0123456789').subarray(byte, byte + 5), atMs: 1 };
        if (readings === 1) throw new TransientError('the node is away');
        yield { bytes: Buffer.from('0123456789').subarray(byte + 5), atMs: 2 };
      },
    };
    const shipping = writer(objects, 100);
    await expect(shipping.ship(source, never)).rejects.toThrow('the node is away');
    await shipping.ship(source, never);
    await finishLog(objects, place);
    expect(objects.text()).toBe('0123456789');
  });

  it('waits for a store that is away, holding one segment, and says so', async () => {
    const objects = new MemoryObjects();
    objects.failingSaves = 1;
    const waits: number[] = [];
    let read = 0;
    const source: LogByteSource = {
      async *read() {
        for (; read < 10; read += 1) yield { bytes: Buffer.from('12345678'), atMs: read };
      },
    };
    const options = { place, objects, segmentBytes: () => 8, segmentMs: 60_000 };
    await new SegmentWriter({ ...options, waiting: () => void waits.push(read) }).ship(source, never);
    await finishLog(objects, place);
    // The source was asked for one piece more than is held.
    expect([waits, objects.text().length]).toEqual([[1], 80]);
  });
});

function withoutListing(objects: LogObjects): LogObjects {
  return {
    driverFor: (location, scope) => ({
      ...objects.driverFor(location, scope),
      async *list() {
        // Nothing is seen.
      },
    }),
  };
}

async function* asChunks(bytes: Buffer): AsyncGenerator<{ bytes: Buffer; atMs: number }> {
  for (let at = 0; at < bytes.length; at += 7) yield { bytes: bytes.subarray(at, at + 7), atMs: 0 };
}

describe('the times of a log', () => {
  it('say when a line was printed', () => {
    const times = new LogTimes([
      { endByte: 10, atMs: 5_000 },
      { endByte: 30, atMs: 9_000 },
    ]);
    expect([1, 10, 11, 30, 99].map((byte) => times.at(byte))).toEqual([5_000, 5_000, 9_000, 9_000, 9_000]);
    expect(new LogTimes().at(1)).toBeUndefined();
  });

  it('stay small and in order, whatever is noted, and are read as they were written', () => {
    const samples = fc.array(fc.record({ endByte: fc.nat(2 ** 40), atMs: fc.nat(2 ** 42) }), { maxLength: 300 });
    fc.assert(
      fc.property(samples, (noted) => {
        const times = new LogTimes(noted.sort((left, right) => left.endByte - right.endByte));
        const text = times.text();
        expect(text.length).toBeLessThanOrEqual(1_000);
        expect(LogTimes.parse(text).all).toEqual(times.all);
        const atMs = times.all.map((sample) => sample.atMs);
        expect(atMs).toEqual([...atMs].sort((left, right) => left - right));
      }),
    );
    expect(LogTimes.parse('no times at all').all).toEqual([]);
  });
});
