import { describe, expect, it } from 'vitest';
import { anyString, formatFloat } from './any-string.js';
import { formatGoDuration, parseDuration, parseGoDuration } from './durations.js';
import { itemDescription, itemFromValue, itemString, itemType, itemVariables, parseItemList } from './items.js';
import { compactJson, sortedJson } from './json-text.js';
import { parseQuantity, Quantity } from './quantities.js';
import { formatTime, parseTime } from './times.js';

describe('durations', () => {
  it.each([
    ['1h30m', 5_400_000],
    ['1.5s', 1500],
    ['-2m', -120_000],
    ['300ms', 300],
    ['0', 0],
    ['1h0m0.5s', 3_600_500],
  ])('reads %s as Go does', (text, durationMs) => expect(parseGoDuration(text)).toBe(durationMs));

  it.each(['', '5', '1d', 'm', '1h 5m', '.s', '1..5s'])('refuses %j', (text) => {
    expect(() => parseGoDuration(text)).toThrow(`time: invalid duration "${text}"`);
  });

  it('takes a bare number for seconds where specs may have one', () => {
    expect(parseDuration('10')).toBe(10_000);
    expect(parseDuration('2m')).toBe(120_000);
  });

  it.each([
    [0, '0s'],
    [90_000, '1m30s'],
    [3_600_000, '1h0m0s'],
    [1500, '1.5s'],
    [20, '20ms'],
    [-1000, '-1s'],
    [0.0015, '1.5µs'],
    [100_000, '1m40s'],
  ])('writes %d ms as Go does', (durationMs, text) => expect(formatGoDuration(durationMs)).toBe(text));
});

describe('times and quantities', () => {
  it('are whole seconds of UTC', () => {
    expect(formatTime(Date.UTC(2024, 0, 31, 8, 30, 0, 999))).toBe('2024-01-31T08:30:00Z');
    expect(parseTime('2024-01-31T09:30:00+01:00')).toBe(Date.UTC(2024, 0, 31, 8, 30));
    expect(() => parseTime('yesterday')).toThrow('is not a time');
    expect(() => parseTime('2024-01-31')).toThrow('is not a time');
  });

  it('know Kubernetes’ suffixes', () => {
    expect(parseQuantity('100m')).toBeCloseTo(0.1);
    expect(parseQuantity('64Mi')).toBe(67_108_864);
    expect(parseQuantity('1e3')).toBe(1000);
    expect(parseQuantity(2)).toBe(2);
    expect(() => parseQuantity('lots')).toThrow('is not a quantity');
  });
});

describe('a quantity', () => {
  it.each([
    ['1024Ki', '1Mi'],
    ['1.5Gi', '1536Mi'],
    ['1.1Ki', '1126400m'],
    ['1000m', '1'],
    ['0.1', '100m'],
    ['1e5', '100e3'],
    ['+1Gi', '+1Gi'],
    ['0.1n', '1n'],
    ['m', '0'],
  ])('written %s is %s', (text, canonical) => expect(String(Quantity.parse(text))).toBe(canonical));

  it('adds, subtracts and compares in the format of the first', () => {
    const [mebi, mega] = [Quantity.parse('1Mi'), Quantity.parse('1M')];
    expect(String(mebi.add(mega))).toBe('2048576');
    expect(String(mebi.subtract(mega))).toBe('48576');
    expect([mebi.compare(mega), mega.compare(mebi), mega.compare(Quantity.parse('1000k'))]).toEqual([1, -1, 0]);
  });

  it('is rounded away from zero in whole units', () => {
    expect([Quantity.parse('100m').scaledValue(0), Quantity.parse('-1500m').scaledValue(0)]).toEqual([1n, -2n]);
  });

  it.each(['', ' 1', '1x', '1,5', '1GiB'])('cannot be %j', (text) => {
    expect(() => Quantity.parse(text)).toThrow('quantities must match the regular expression');
  });
});

describe('AnyString', () => {
  it.each([
    [1e6, '1000000'],
    [1e21, '1000000000000000000000'],
    [1.5e-7, '0.00000015'],
    [-2.5, '-2.5'],
    [true, 'true'],
    ['x', 'x'],
    [{ a: 1 }, ''],
    [null, ''],
  ])('makes %j text', (value, text) => expect(anyString(value)).toBe(text));

  it('writes floats without an exponent', () => expect(formatFloat(1.25e22)).toBe('12500000000000000000000'));
});

describe('items', () => {
  it('keep the digits of numbers and the escapes of strings', () => {
    const items = parseItemList(' [1.0, "a\\nb", true, null, [1, "x"], {"b": 2, "a": {"c": 1.50}}] ');
    expect(items.map(itemType)).toEqual(['Number', 'String', 'Bool', 'List', 'List', 'Map']);
    expect(items.map(itemString)).toEqual(['1.0', 'a\\nb', 'true', 'null', '[1,"x"]', '{"b":2,"a":{"c":1.50}}']);
    expect(items.map(itemDescription)).toEqual(['1.0', 'a\\nb', 'true', '[]', '[1 x]', 'a:{"c":1.50},b:2']);
  });

  it('give a map’s members as variables', () => {
    expect(itemVariables(itemFromValue({ name: 'jesse', group: { id: 1 } }))).toEqual({
      item: '{"group":{"id":1},"name":"jesse"}',
      'item.name': 'jesse',
      'item.group': '{"id":1}',
    });
    expect(itemVariables(itemFromValue('a<b'))).toEqual({ item: 'a<b' });
  });

  it('come only from JSON lists', () => {
    expect(parseItemList('[]')).toEqual([]);
    expect(() => parseItemList('{"a":1}')).toThrow('could not be parsed as a JSON list');
    expect(() => parseItemList('nonsense')).toThrow('could not be parsed as a JSON list');
  });
});

describe('JSON texts', () => {
  it('are compacted outside of strings and sorted by key', () => {
    expect(compactJson('{ "a b" : [ 1 , "x \\" y" ] }')).toBe('{"a b":[1,"x \\" y"]}');
    expect(sortedJson({ b: [1, { d: null, c: 'é' }], a: true })).toBe('{"a":true,"b":[1,{"c":"é","d":null}]}');
  });
});
