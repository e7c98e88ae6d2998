import { describe, expect, it } from 'vitest';
import { parseLabelSelector } from './label-selector.js';

describe('parseLabelSelector', () => {
  it.each([
    ['', []],
    ['a=b', [{ key: 'a', operator: 'in', values: ['b'] }]],
    [
      'a==b,c!=d',
      [
        { key: 'a', operator: 'in', values: ['b'] },
        { key: 'c', operator: 'notin', values: ['d'] },
      ],
    ],
    [
      'workflows.argoproj.io/phase in (Failed, Error)',
      [{ key: 'workflows.argoproj.io/phase', operator: 'in', values: ['Failed', 'Error'] }],
    ],
    ['a notin (b)', [{ key: 'a', operator: 'notin', values: ['b'] }]],
    [
      'a,!b',
      [
        { key: 'a', operator: 'exists' },
        { key: 'b', operator: 'absent' },
      ],
    ],
    [
      'a>3,b<-4',
      [
        { key: 'a', operator: 'gt', value: 3 },
        { key: 'b', operator: 'lt', value: -4 },
      ],
    ],
    ['a=', [{ key: 'a', operator: 'in', values: [''] }]],
  ])('reads %j', (text, expected) => {
    expect(parseLabelSelector(text)).toEqual(expected);
  });

  it.each([
    ['a b c', "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"],
    ['a in b', "unable to parse requirement: found 'b' expected: '('"],
    ['a in (b', "unable to parse requirement: found '', expected: ',', or ')'"],
    ['=b', "unable to parse requirement: found '=', expected: !, identifier, or 'end of string'"],
    ['a=b,', "unable to parse requirement: found '', expected: identifier after ','"],
  ])('refuses %j in Kubernetes words', (text, message) => {
    expect(() => parseLabelSelector(text)).toThrow(message);
  });

  it('refuses keys and values that are no labels', () => {
    expect(() => parseLabelSelector('a/b/c=d')).toThrow('Invalid value');
    expect(() => parseLabelSelector(`a=${'x'.repeat(64)}`)).toThrow('Invalid value');
    expect(() => parseLabelSelector('a>many')).toThrow('must be an integer');
  });
});
