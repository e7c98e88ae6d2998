import { brotliCompressSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { type NodeStatus, type Workflow } from '#libs/workflow-spec';

import { compressionProblem } from './nodes-compression.js';
import { decompressNodes, encodeRecord, hydrateRecord, offloadVersion } from './record-codec.js';

const node = (id: string, message = ''): NodeStatus => ({ id, name: id, type: 'Pod', phase: 'Succeeded', message });
const workflow = (nodes: Record<string, NodeStatus>): Workflow => ({
  apiVersion: 'argoproj.io/v1alpha1',
  kind: 'Workflow',
  metadata: { name: 'w', namespace: 'argo', uid: 'u' },
  spec: { entrypoint: '"status":{' },
  status: { phase: 'Succeeded', message: '"status":{"nodes":', nodes },
});
const noise = (length: number) => Array.from({ length }, (_, index) => ((index * 2654435761) % 4294967296).toString(36)).join('');
const readBack = async (record: Awaited<ReturnType<typeof encodeRecord>>) =>
  hydrateRecord(JSON.parse(record.body) as Workflow, async (version) =>
    version === record.offload?.version ? (JSON.parse(record.offload.nodes) as Record<string, NodeStatus>) : undefined,
  );

describe('the public record', () => {
  it('keeps nodes inline while it is small', async () => {
    const record = await encodeRecord(workflow({ b: node('b'), a: node('a') }), { maxSizeBytes: 10_000 });
    expect(record).toMatchObject({ encoding: 'inline' });
    expect(JSON.parse(record.body)).toEqual(workflow({ a: node('a'), b: node('b') }));
  });

  it('compresses them when it is too large, and offloads them when that is not enough', async () => {
    const repetitive = workflow(Object.fromEntries(Array.from({ length: 1200 }, (_, index) => [`n${index}`, node(`n${index}`)])));
    const compressed = await encodeRecord(repetitive, { maxSizeBytes: 40_000 });
    expect(compressed.encoding).toBe('compressed');
    expect(Buffer.byteLength(compressed.body)).toBeLessThanOrEqual(40_000);
    const noisy = workflow({ n: node('n', noise(30_000)) });
    const offloaded = await encodeRecord(noisy, { maxSizeBytes: 20_000 });
    expect(offloaded.encoding).toBe('offloaded');
    expect((JSON.parse(offloaded.body) as Workflow).status).toMatchObject({
      offloadNodeStatusVersion: offloaded.offload?.version,
    });
    expect(await readBack(compressed)).toEqual(repetitive);
    expect(await readBack(offloaded)).toEqual(noisy);
  });

  it.each(['gzip', 'zstd', 'brotli'] as const)('packs nodes with %s at any of its levels, and reads them', async (algorithm) => {
    if (compressionProblem({ algorithm })) return expect(algorithm).toBe('zstd');
    const nodes = Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`n${index}`, node(`n${index}`)]));
    const sizes: number[] = [];
    for (const level of [1, 9]) {
      const record = await encodeRecord(workflow(nodes), { maxSizeBytes: 10_000, compression: { algorithm, level } });
      expect(record.encoding).toBe('compressed');
      expect(await readBack(record)).toEqual(workflow(nodes));
      sizes.push(record.body.length);
    }
    expect(sizes[1]).not.toBe(sizes[0]);
  });

  it.each([
    [{ algorithm: 'gzip', level: 10 }, 'must be a whole number from -1 to 9 for gzip'],
    [{ algorithm: 'brotli', level: -1 }, 'must be a whole number from 0 to 11 for brotli'],
    [{ algorithm: 'brotli', level: 0 }, undefined],
  ] as const)('knows whether %o can be had', (compression, problem) => {
    expect(compressionProblem(compression)?.problem).toBe(problem);
  });

  it('leaves nodes out that are too large where nothing may be offloaded, and says so in a condition', async () => {
    const noisy = workflow({ n: node('n', noise(30_000)) });
    const record = await encodeRecord(noisy, { maxSizeBytes: 20_000, offload: false, alwaysOffload: true });
    const { status } = JSON.parse(record.body) as Workflow;
    expect([record.encoding, record.offload, status?.nodes]).toEqual(['omitted', undefined, undefined]);
    expect(status?.conditions).toMatchObject([{ type: 'NodesOmitted', status: 'True' }]);
  });

  it('reads back as it was, whatever the messages and whatever the size', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(
          fc.string({ minLength: 1 }).filter((key) => key !== '__proto__'),
          fc.string({ unit: 'binary' }),
          { maxKeys: 5 },
        ),
        fc.integer({ min: 1, max: 1500 }),
        fc.boolean(),
        async (messages, maxSizeBytes, alwaysOffload) => {
          const nodes = Object.fromEntries(Object.entries(messages).map(([id, message]) => [id, node(id, message)]));
          const original = workflow(nodes);
          const back = await readBack(await encodeRecord(original, { maxSizeBytes, alwaysOffload }));
          expect(back.status?.nodes ?? {}).toEqual(nodes);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('names an offloaded version by the FNV-1 hash of the text', async () => {
    expect(await offloadVersion('')).toBe('fnv:2166136261');
    expect(await offloadVersion('a')).toBe('fnv:84696446');
    expect(await offloadVersion('foobar')).toBe('fnv:837857890');
  });

  it('reads what others compressed, and says so where it cannot', async () => {
    const text = JSON.stringify({ a: node('a') });
    expect(await decompressNodes(gzipSync(text).toString('base64'))).toEqual({ a: node('a') });
    expect(await decompressNodes(brotliCompressSync(text).toString('base64'))).toEqual({ a: node('a') });
    await expect(decompressNodes(Buffer.from('rubbish').toString('base64'))).rejects.toThrow('compressed nodes cannot be read');
    await expect(
      hydrateRecord({ ...workflow({}), status: { offloadNodeStatusVersion: 'fnv:1' } }, async () => undefined),
    ).rejects.toThrow('are missing');
  });
});
