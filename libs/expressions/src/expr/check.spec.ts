import { describe, expect, it } from 'vitest';
import { GoDuration, GoTime } from '../golang/time-values.js';
import { evaluateRaw } from './evaluate.js';

const env = {
  count: 7,
  ratio: 2.5,
  name: 'abc',
  flag: true,
  nothing: null,
  list: [3, 1, 2],
  map: { key: 'v', any: null },
  when: new GoTime(1_700_000_000_000_000_000n),
  span: new GoDuration(5_400_000_000_000n),
  open: { count: 7, name: 'abc', flag: true, nothing: null, list: [3, 1, 2], map: { a: 1 } },
};

/** What evaluating gives, or its message without the excerpt. */
function outcome(source: string): unknown {
  try {
    return evaluateRaw(source, env);
  } catch (error) {
    return error instanceof Error ? error.message.split('\n')[0] : error;
  }
}

describe('operators before the run', () => {
  it.each([
    ['name + count', 'invalid operation: + (mismatched types string and int) (1:6)'],
    ['open.count + flag', 'invalid operation: + (mismatched types unknown and bool) (1:12)'],
    ['nothing + 1', 'invalid operation: + (mismatched types unknown and int) (1:9)'],
    ['when + when', 'invalid operation: + (mismatched types time.Time and time.Time) (1:6)'],
    ['span / 2', 'invalid operation: / (mismatched types time.Duration and int) (1:6)'],
    ['when == span', 'invalid operation: == (mismatched types time.Time and time.Duration) (1:6)'],
    ['list < list', 'invalid operation: < (mismatched types []interface {} and []interface {}) (1:6)'],
    ['1 in ["a"]', 'cannot use int as type string in array (1:3)'],
    ['1 in map', 'cannot use int as type string in map key (1:3)'],
    ['-name', 'invalid operation: - (mismatched type string) (1:1)'],
    ['count ? 1 : 2', 'non-bool expression (type int) used as condition (1:1)'],
    ['(flag ? 1 : 2) + "x"', 'invalid operation: + (mismatched types int and string) (1:16)'],
    ['(nothing ?? 1) + "x"', 'invalid operation: + (mismatched types int and string) (1:16)'],
    ['7 % 0', 'integer divide by zero (1:3)'],
  ])('refuses %s', (source, message) => expect(outcome(source)).toBe(message));
});

describe('operators in the run', () => {
  it.each([
    ['open.count + open.name', 'invalid operation: int + string (1:12)'],
    ['open.flag < open.flag', 'invalid operation: bool < bool (1:11)'],
    ['count % (1 - 1)', 'runtime error: integer divide by zero (1:7)'],
    ['open.name and true', 'interface conversion: interface {} is string, not bool (1:6)'],
    ['open.count contains "a"', 'interface conversion: interface {} is int, not string (1:12)'],
    ['open.name in name', 'operator "in" not defined on string (1:11)'],
    ['open.name matches open.nothing', false],
    ['name in open.nothing', false],
    ['(when + span) - when == span', true],
    ['2 * span == span + span', true],
    ['span * 0.5 + span * 0.5 == span', true],
    ['9223372036854775807 == 9223372036854775807.0', true],
    ['9007199254740993 in [9007199254740992]', false],
    ['0 * -1', 0],
    ['[1, {"a": [2]}] == [1.0, {"a": [2.0]}]', true],
  ])('evaluates %s', (source, wanted) => expect(outcome(source)).toBe(wanted));
});

describe('members, elements and slices', () => {
  it.each([
    ['count.x', 'type int has no field x (1:7)'],
    ['name.x()', 'type string has no method x (1:6)'],
    ['nothing?.x', 'type nil has no field x (1:10)'],
    ['name[0]', 'type string[int] is undefined (1:5)'],
    ['map[1]', 'cannot use int to get an element from map[string]interface {} (1:5)'],
    ['list.a', 'array elements can only be selected using an integer (got string) (1:6)'],
    ['list[-4]', 'index out of range: -1 (array length is 3) (1:5)'],
    ['open.name[1]', 98],
    ['open.count.x', 'cannot fetch x from int (1:12)'],
    ['open.map[open.count]', 'reflect.Value.MapIndex: value of type int is not assignable to type string (1:9)'],
    ['count[1:]', 'cannot slice int (1:6)'],
    ['name["a":]', 'non-integer slice index string (1:6)'],
    ['name[-2:9]', 'bc'],
    ['name[2:1]', ''],
    ['ratio()', 'float64 is not callable (1:1)'],
    ['nothing()', 'nothing is nil; cannot call nil as function (1:1)'],
    ['$env.nope', 'unknown name nope (1:6)'],
    ['$env?.nope', null],
    ['let count = 1; 2', 'cannot redeclare count (1:5)'],
  ])('answers %s', (source, wanted) => expect(outcome(source)).toBe(wanted));
});

describe('calls of builtins', () => {
  it.each([
    ['len()', 'invalid number of arguments (expected 1, got 0) (1:1)'],
    ['concat()', 'invalid number of arguments (expected at least 1, got 0) (1:1)'],
    ['upper()', 'not enough arguments to call upper (1:1)'],
    ['now(1)', 'too many arguments to call now (1:1)'],
    ['max()', 'not enough arguments to call max (1:1)'],
    ['upper(nothing)', 'cannot use nil as argument (type string) to call upper (1:7)'],
    ['split("a", 1)', 'cannot use int as argument (type string) to call split (1:12)'],
    ['max(["a"])', 'invalid argument for max (type string) (1:1)'],
    ['filter(count, true)', 'builtin filter takes only array (got int) (1:8)'],
    ['filter(list, 1)', 'predicate should return boolean (got int) (1:14)'],
    ['filter([1], true)[0] + "x"', 'invalid operation: + (mismatched types int and string) (1:22)'],
    ['filter(list, #index > 0)', 'unknown pointer #index (1:14)'],
    ['map(list, #acc)', 'unknown pointer #acc (1:11)'],
    ['reduce(list, #acc + # * #index)', 8],
  ])('answers %s', (source, wanted) => expect(outcome(source)).toBe(wanted));
});

describe('quoted texts and places', () => {
  it.each([
    [String.raw`"\x41\101\u00e9\u{1F600}\U0001F600\t\\"`, 'AAé😀😀\t\\'],
    [String.raw`'it\'s'`, "it's"],
    ['"a\r\nb"', 'literal not terminated (1:4)'],
    [String.raw`"\'"`, 'invalid char escape (1:3)'],
    [String.raw`"\u{110000}"`, 'invalid char escape (1:3)'],
    ['"👍" + nope', 'unknown name nope (1:7)'],
    ['1 +\n\tnope', 'unknown name nope (2:2)'],
    ['1 +\n\n', 'unexpected token EOF'],
  ])('reads %s', (source, wanted) => expect(outcome(source)).toBe(wanted));
});
