import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';

import { bodyBySize } from './small-body.js';

const bodyOf = (...pieces: (string | Buffer)[]): Readable => Readable.from(pieces, { objectMode: false });
const read = async (stream: Readable): Promise<string> => {
  let text = '';
  for await (const chunk of stream as AsyncIterable<Buffer>) text += chunk.toString();
  return text;
};

describe('a body by its size', () => {
  it.each([
    ['nothing', [], ''],
    ['less than asked for', ['ab', Buffer.from('c')], 'abc'],
    ['just as much', ['ab', 'cd'], 'abcd'],
  ])('is whole with %s', async (_what, pieces, text) => {
    const found = await bodyBySize(bodyOf(...pieces), 4);
    expect('whole' in found && found.whole.toString()).toBe(text);
  });

  it('is a stream of all of it where it has more', async () => {
    const found = await bodyBySize(bodyOf('ab', 'cd', 'e', 'fghij'), 4);
    expect('stream' in found && (await read(found.stream))).toBe('abcdefghij');
  });

  it('fails where reading it fails, early or late', async () => {
    const breaking = (after: number): Readable =>
      Readable.from(
        (async function* () {
          for (let count = 0; count < after; count += 1) yield Buffer.from('ab');
          throw new Error('broken');
        })(),
        { objectMode: false },
      );
    await expect(bodyBySize(breaking(1), 4)).rejects.toThrow('broken');
    const found = await bodyBySize(breaking(4), 4);
    await expect('stream' in found && read(found.stream)).rejects.toThrow('broken');
  });
});
