import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inBatches } from './line-batches.js';
import { lastLines } from './last-lines.js';
import { type LineSource, type TimedLine, TimeMerge } from './merge-by-time.js';

const never = new AbortController().signal;

const line = (atMs: number, text = String(atMs)): TimedLine => ({ atMs, text });

async function* batchesOf(lines: TimedLine[], size = 3): AsyncGenerator<TimedLine[]> {
  for (let at = 0; at < lines.length; at += size) yield lines.slice(at, at + size);
}

const source = (label: string, lines: TimedLine[], notBeforeMs = lines[0]?.atMs ?? 0): LineSource<string> => ({
  label,
  notBeforeMs,
  open: () => batchesOf(lines),
});

const merged = async (sources: LineSource<string>[], maxOpen = 100): Promise<string[]> => {
  const merge = new TimeMerge<string>({ idleMs: Infinity, maxOpen, signal: never });
  for (const each of sources) merge.add(each);
  merge.seal();
  const found: string[] = [];
  for await (const batch of merge.batches()) found.push(...batch.map(({ label, text }) => `${label}${text}`));
  return found;
};

describe('the merge of logs by time', () => {
  it('gives all lines in the order of their times, and those of one container in theirs', async () => {
    const times = fc.array(fc.nat(50), { maxLength: 20 }).map((list) => list.sort((left, right) => left - right));
    await fc.assert(
      fc.asyncProperty(fc.array(times, { maxLength: 6 }), async (logs) => {
        const sources = logs.map((each, index) =>
          source(
            `${index}:`,
            each.map((atMs, at) => line(atMs, `${atMs}#${at}`)),
          ),
        );
        const found = await merged(sources);
        const timesFound = found.map((text) => Number(/:(\d+)#/.exec(text)?.[1]));
        expect(timesFound).toEqual([...timesFound].sort((left, right) => left - right));
        for (const [index, each] of logs.entries())
          expect(found.filter((text) => text.startsWith(`${index}:`))).toEqual(each.map((atMs, at) => `${index}:${atMs}#${at}`));
      }),
      { numRuns: 150 },
    );
  });

  it('opens a log when its time has come, so that few of many are open', async () => {
    let open = 0;
    let most = 0;
    const sources = Array.from({ length: 300 }, (_, index): LineSource<string> => ({
      label: '',
      notBeforeMs: index * 10,
      async *open() {
        most = Math.max(most, (open += 1));
        yield [line(index * 10), line(index * 10 + 15)];
        open -= 1;
      },
    }));
    expect((await merged(sources)).length).toBe(600);
    expect(most).toBeLessThanOrEqual(4);
    expect(
      (
        await merged(
          sources.map((each) => ({ ...each, notBeforeMs: 0 })),
          5,
        )
      ).length,
    ).toBe(600);
  });

  it('does not wait for a container that prints nothing, and gives what comes late', async () => {
    const merge = new TimeMerge<string>({ idleMs: 30, maxOpen: 10, signal: never });
    let speak: () => void = () => undefined;
    merge.add({
      label: 'slow',
      notBeforeMs: 0,
      async *open() {
        await new Promise<void>((resolve) => (speak = resolve));
        yield [line(1, 'late')];
      },
    });
    merge.add(source('', [line(5)]));
    merge.seal();
    const found: string[] = [];
    for await (const batch of merge.batches()) {
      found.push(...batch.map(({ text }) => text));
      speak();
    }
    expect(found).toEqual(['5', 'late']);
  });

  it('ends with the error of one log after the lines of the others', async () => {
    const merge = new TimeMerge<string>({ idleMs: Infinity, maxOpen: 10, signal: never });
    merge.add({
      label: 'broken',
      notBeforeMs: 0,
      open: () => ({ [Symbol.asyncIterator]: () => ({ next: async () => Promise.reject(new Error('broken')) }) }),
    });
    merge.add(source('', [line(5)]));
    merge.seal();
    const found: string[] = [];
    const reading = (async () => {
      for await (const batch of merge.batches()) found.push(...batch.map(({ text }) => text));
    })();
    await expect(reading).rejects.toThrow('broken');
    expect(found).toEqual(['5']);
  });

  it('closes what it reads when the client is gone', async () => {
    const stop = new AbortController();
    const merge = new TimeMerge<string>({ idleMs: Infinity, maxOpen: 10, signal: stop.signal });
    let isClosed = false;
    merge.add({
      label: '',
      notBeforeMs: 0,
      async *open() {
        try {
          for (;;) yield [line(1)];
        } finally {
          isClosed = true;
        }
      },
    });
    let batches = 0;
    for await (const batch of merge.batches()) if ((batches += batch.length) === 3) stop.abort();
    expect([batches, isClosed]).toEqual([3, true]);
  });
});

describe('lines in batches', () => {
  it('come in their order, and the reader is never far ahead', async () => {
    let read = 0;
    async function* lines(): AsyncGenerator<number> {
      for (; read < 5_000; read += 1) yield read;
    }
    const found: number[] = [];
    let ahead = 0;
    for await (const batch of inBatches(lines())) {
      found.push(...batch);
      ahead = Math.max(ahead, read - found.length);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(found).toEqual(Array.from({ length: 5_000 }, (_, index) => index));
    expect(ahead).toBeLessThan(600);
  });

  it('end with the error of their source, after what came before it', async () => {
    async function* lines(): AsyncGenerator<number> {
      yield 1;
      throw new Error('broke off');
    }
    const found: number[] = [];
    const reading = (async () => {
      for await (const batch of inBatches(lines())) found.push(...batch);
    })();
    await expect(reading).rejects.toThrow('broke off');
    expect(found).toEqual([1]);
  });
});

describe('the last lines of a log', () => {
  it.each([0, 1, 4, 7, 100, 20_000])('%i of them', async (count) => {
    const lines = Array.from({ length: 30_000 }, (_, index) => line(index));
    const found: TimedLine[] = [];
    for await (const batch of lastLines(() => batchesOf(lines, 999), count)) found.push(...batch);
    expect(found).toEqual(count === 0 ? [] : lines.slice(-count));
  });
});
