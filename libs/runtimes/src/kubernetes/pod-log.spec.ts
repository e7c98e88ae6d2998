import { Readable } from 'node:stream';

import { describe, expect, it } from 'vitest';

import { type KubernetesApi } from '#libs/kubernetes';

import { lastLogLine } from './pod-log.js';

/** A log as container runtimes keep it, in pieces of so many bytes; lines of a tail are these. */
const kept = (text: string, pieceBytes: number): KubernetesApi => {
  const pieces = text.split(/(?<=\n)/).flatMap((line) => line.match(new RegExp(`[^]{1,${pieceBytes}}`, 'g')) ?? []);
  const log = (_pod: unknown, { tailLines = pieces.length }: { tailLines?: number }) =>
    Promise.resolve(Readable.from(pieces.slice(-tailLines).map((piece) => Buffer.from(piece))));
  return { log } as unknown as KubernetesApi;
};

describe('the last line of a log', () => {
  const line = 'abcdefghij'.repeat(50_000);

  it.each([8_192, 16_384, 262_144])('is read whole where long lines are kept in pieces of %i bytes', async (pieceBytes) => {
    const api = kept(`before\n${'x'.repeat(100_000)}\n${line}\n`, pieceBytes);
    const read = await lastLogLine(api, { namespace: 'lab', name: 'p' }, { container: 'wait', bytes: line.length });
    expect(read === line).toBe(true);
  });

  it('is no more than that', async () => {
    const api = kept('before\nlast\n', 16_384);
    expect(await lastLogLine(api, { namespace: 'lab', name: 'p' }, { container: 'wait', bytes: 4 })).toBe('last');
  });
});
