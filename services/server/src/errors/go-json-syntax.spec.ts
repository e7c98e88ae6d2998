import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { goJsonProblem } from './go-json-syntax.js';

describe('goJsonProblem', () => {
  it.each([
    ['{not json', "invalid character 'n' looking for beginning of object key string"],
    ['{"a" 1}', "invalid character '1' after object key"],
    ['{"a":1 "b"}', `invalid character '"' after object key:value pair`],
    ['[1 2]', "invalid character '2' after array element"],
    ['nope', "invalid character 'o' in literal null (expecting 'u')"],
    ["'a'", "invalid character '\\'' looking for beginning of value"],
    ['"\\x"', "invalid character 'x' in string escape code"],
    ['"\\u12g4"', "invalid character 'g' in \\u hexadecimal character escape"],
    ['-x', "invalid character 'x' in numeric literal"],
    ['1.x', "invalid character 'x' after decimal point in numeric literal"],
    ['{"a":', 'unexpected EOF'],
    ['"a\nb"', "invalid character '\\n' in string literal"],
  ])('says of %j what Go says', (text, message) => {
    expect(goJsonProblem(text)).toBe(message);
  });

  it('ends on any text, however deep', () => {
    fc.assert(fc.property(fc.string(), (text) => goJsonProblem(text).length > 0));
    expect(goJsonProblem('['.repeat(100_000))).toBe('exceeded max depth');
  });
});
