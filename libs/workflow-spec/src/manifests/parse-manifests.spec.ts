import fc from 'fast-check';
import { stringify } from 'yaml';
import { describe, expect, it } from 'vitest';
import { assertPlainValue, parseManifests } from './parse-manifests.js';
import { ManifestSyntaxError } from '../errors.js';
import type { JsonValue } from '../model/workflow.js';

const values = (text: string): JsonValue[] => parseManifests(text).map(({ value }) => value);
const refusal = (text: string): ManifestSyntaxError => {
  try {
    parseManifests(text);
  } catch (error) {
    if (error instanceof ManifestSyntaxError) return error;
    throw error;
  }
  throw new Error('accepted');
};
/** Runs and gives the milliseconds that it took. */
const timed = (run: () => void): number => {
  const startedAt = performance.now();
  run();
  return performance.now() - startedAt;
};

describe('parseManifests', () => {
  it('gives every document that is not empty, with its number', () => {
    expect(parseManifests('---\na: 1\n---\n# nothing\n---\nb: 2\n')).toEqual([
      { document: 1, value: { a: 1 } },
      { document: 3, value: { b: 2 } },
    ]);
    expect(parseManifests('')).toEqual([]);
    expect(parseManifests('{"a": [1, {"b": null}]}')).toEqual([{ document: 1, value: { a: [1, { b: null }] } }]);
  });

  it('reads scalars as Argo’s tools do', () => {
    expect(
      values(
        'mode: 0755\nother: 0o17\nflag: yes\nlights: Off\ntext: "yes"\ndate: 2024-01-01\ntime: 12:30\nversion: 1.10\nbig: 1_000\nnone: ~',
      ),
    ).toEqual([
      {
        mode: 493,
        other: 15,
        flag: true,
        lights: false,
        text: 'yes',
        date: '2024-01-01',
        time: '12:30',
        version: 1.1,
        big: 1000,
        none: null,
      },
    ]);
  });

  it('lets quoted text go on at any indentation', () => {
    expect(values('a:\n  args: ["\n    one\n  two\n  "]\nb: 1')).toEqual([{ a: { args: [' one two '] }, b: 1 }]);
  });

  it('merges anchors and aliases', () => {
    expect(values('base: &base {image: sim}\nuse:\n  <<: *base\n  name: x')).toEqual([
      { base: { image: 'sim' }, use: { image: 'sim', name: 'x' } },
    ]);
  });

  it('names document, line and column of what it cannot read', () => {
    expect(refusal('a: 1\n---\nb: 1\nb: 2\n')).toMatchObject({ document: 2, line: 4, column: 1, grpcCode: 3 });
    expect(refusal('a: 1\n---\nb: 1\nb: 2\n').message).toMatch(/^document 2, line 4, column 1: .*unique/);
    expect(refusal('a: [1, 2').line).toBe(1);
    expect(refusal('a: "never closed\nb: 1').message).toMatch(/closing/);
    expect(refusal('{"a": 1,,}')).toMatchObject({ document: 1 });
  });

  it('reads back what any JSON value is written as', () => {
    const plain = fc.jsonValue({ maxDepth: 4 }).filter((value) => value !== null && !JSON.stringify(value).includes('__proto__'));
    fc.assert(
      fc.property(plain, (value) => {
        const written = JSON.parse(JSON.stringify(value)) as JsonValue;
        expect(values(stringify(written, { version: '1.1' }))).toEqual([written]);
      }),
      { numRuns: 200 },
    );
  });
});

describe('hostile texts', () => {
  it('refuses ten megabytes at once', () => {
    const text = `a: ${'x'.repeat(10_000_000)}`;
    expect(timed(() => expect(refusal(text).message).toMatch(/larger than 2097152 bytes/))).toBeLessThan(1000);
    expect(() => parseManifests('é'.repeat(60), { maxBytes: 100 })).toThrow(/larger than 100 bytes/);
  });

  it('refuses aliases that expand without end', () => {
    const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]'];
    for (let level = 1; level < 10; level += 1) {
      lines.push(`a${level}: &a${level} [${Array.from({ length: 10 }, () => `*a${level - 1}`).join(', ')}]`);
    }
    expect(timed(() => expect(refusal(lines.join('\n')).message).toMatch(/too many values/))).toBeLessThan(5000);
  });

  it('refuses an alias to what contains it', () => {
    expect(refusal('a: &a\n  b: *a').message).toMatch(/document 1/);
  });

  it.each([
    ['lists in brackets', '['.repeat(100_000)],
    ['closed lists', `${'['.repeat(5000)}${']'.repeat(5000)}`],
    ['objects in braces', '{a: '.repeat(3000)],
    ['dashes', '- '.repeat(20_000)],
    ['indentation', Array.from({ length: 1000 }, (_, depth) => `${' '.repeat(depth)}a:`).join('\n')],
    ['JSON', `${'{"a":'.repeat(2000)}1${'}'.repeat(2000)}`],
  ])('refuses deep nesting of %s', (_, text) => {
    expect(timed(() => expect(refusal(text).message).toMatch(/nested|expected|must/i))).toBeLessThan(5000);
  });

  it('does not let a key become part of a prototype', () => {
    expect(refusal('a:\n  __proto__:\n    polluted: yes').message).toMatch(/"__proto__" is not allowed/);
    expect(refusal('{"__proto__": {"polluted": true}}').message).toMatch(/not allowed/);
    expect(values('constructor:\n  prototype:\n    polluted: yes')).toEqual([{ constructor: { prototype: { polluted: true } } }]);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it('holds values that arrive parsed to the same limits', () => {
    const deep = JSON.parse(`${'['.repeat(1000)}${']'.repeat(1000)}`) as JsonValue;
    expect(() => assertPlainValue(deep)).toThrow(/nested deeper than 200/);
    expect(() => assertPlainValue(JSON.parse('{"a":{"__proto__":1}}') as JsonValue)).toThrow(/not allowed/);
    expect(() =>
      assertPlainValue(
        Array.from({ length: 20 }, () => 1),
        { maxNodes: 10 },
      ),
    ).toThrow(/more than 10 values/);
  });
});
