import { describe, expect, it } from 'vitest';
import { queryJq } from './jq.js';

const DOCUMENT = '{"items":[{"name":"a","n":1},{"name":"b","n":2}],"big":9007199254740993}';

describe('jq', () => {
  it.each([
    ['.items[].name', ['"a"', '"b"']],
    ['.items | map(.n) | add', ['3']],
    ['empty', []],
    ['.nothing', ['null']],
    ['{z: 1, a: {y: 1, b: 2}}', ['{"a":{"b":2,"y":1},"z":1}']],
    ['keys_unsorted', ['["big","items"]']],
    ['def twice: . * 2; .items[0].n | twice # a remark', ['2']],
  ])('gives the outputs of %s as compact texts', async (program, outputs) => {
    expect(await queryJq(program, DOCUMENT)).toEqual(outputs);
  });

  it('tells a program that does not parse from one that fails, and loses what came before the failure', async () => {
    await expect(queryJq('.[', DOCUMENT)).rejects.toMatchObject({ stage: 'parse' });
    await expect(queryJq('nothing_like_it', DOCUMENT)).rejects.toMatchObject({ stage: 'compile' });
    await expect(queryJq('1, error("x")', DOCUMENT)).rejects.toMatchObject({ stage: 'run', message: 'x' });
    await expect(queryJq('.items.a', DOCUMENT)).rejects.toMatchObject({ stage: 'run' });
  });

  it('ends a program that runs for ever, and answers the next one', async () => {
    await expect(queryJq('[range(infinite)] | length', '{}', { timeoutMs: 300 })).rejects.toMatchObject({ stage: 'timeout' });
    expect(await queryJq('.items | length', DOCUMENT)).toEqual(['2']);
  });

  it('sees no variable of the program and no second input', async () => {
    expect(Object.keys(process.env)).toContain('PATH');
    expect(await queryJq('env.PATH, $ENV.NODE_ENV', '{}')).not.toContain(JSON.stringify(process.env['PATH']));
    expect(await queryJq('env.VITEST', '{}')).toEqual(['null']);
    await expect(queryJq('input', DOCUMENT)).rejects.toMatchObject({ stage: 'run' });
  });

  it('refuses a document that it could only read slowly', async () => {
    await expect(queryJq('.', 'no json')).rejects.toThrow('the document is not JSON');
    await expect(queryJq('.', JSON.stringify('x'.repeat(400_000)))).rejects.toThrow('too much for jq here');
  });
});
