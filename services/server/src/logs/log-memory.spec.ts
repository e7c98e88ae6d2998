import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { createArtifactDrivers } from '#libs/artifacts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ContainerLog, ContainerLogReader } from './container-log.js';
import { TimeMerge } from './merge-by-time.js';

const LOG_BYTES = 160 * 1024 ** 2;
const LINE = `${'a line of a log '.repeat(63)}\n`;
/** Far below the log, far above what the collector leaves lying about. */
const MOST_GROWTH_BYTES = 96 * 1024 ** 2;

const usedBytes = (): number => {
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
};

function* blocks(): Generator<Buffer> {
  const block = Buffer.from(LINE.repeat(64));
  for (let bytes = 0; bytes < LOG_BYTES; bytes += block.length) yield block;
}

describe('a large log', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'logs-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('passes through in constant memory, whole, its end and what a slow reader takes of it', async () => {
    const objects = createArtifactDrivers({ clock: { nowMs: () => 0 }, filesystem: { rootFolder: folder } });
    const location = { filesystem: { key: 'main.log' } };
    await objects.driverFor(location, { namespace: 'argo' }).save(location, Readable.from(blocks()));
    const reader = new ContainerLogReader({ source: { lines: async () => undefined }, objects });
    const log: ContainerLog = {
      container: 'main',
      pod: undefined,
      place: async () => ({ location, namespace: 'argo', workflowUid: 'w', nodeId: 'n', incarnation: 0 }),
      startedAtMs: 0,
      isOver: () => true,
    };
    const read = async (tailLines: number | undefined, mostLines: number): Promise<{ lines: number; growthBytes: number }> => {
      const stop = new AbortController();
      const merge = new TimeMerge<string>({ idleMs: Infinity, maxOpen: 10, signal: stop.signal });
      const open = (): AsyncIterable<{ atMs: number; text: string }[]> =>
        reader.read(log, { follow: false, tailLines, signal: stop.signal });
      merge.add({ label: '', notBeforeMs: 0, open });
      merge.seal();
      const beforeBytes = usedBytes();
      let [lines, growthBytes] = [0, 0];
      for await (const batch of merge.batches()) {
        lines += batch.length;
        growthBytes = Math.max(growthBytes, usedBytes() - beforeBytes);
        if (lines >= mostLines) stop.abort();
        // A client takes what it is given in a later turn.
        await new Promise((resolve) => setImmediate(resolve));
      }
      return { lines, growthBytes };
    };
    const written = Math.ceil(LOG_BYTES / (LINE.length * 64)) * 64;
    for (const { tailLines, mostLines, expected } of [
      { tailLines: undefined, mostLines: Infinity, expected: written },
      { tailLines: 12_000, mostLines: Infinity, expected: 12_000 },
      { tailLines: undefined, mostLines: 64, expected: 64 },
    ]) {
      const { lines, growthBytes } = await read(tailLines, mostLines);
      expect(growthBytes).toBeLessThan(MOST_GROWTH_BYTES);
      expect(lines).toBeGreaterThanOrEqual(expected);
      expect(lines).toBeLessThan(expected + 128);
    }
  });
});
