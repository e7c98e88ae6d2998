import { describe, expect, it } from 'vitest';

import { matchesLabels, parseLabelSelector } from './label-selector.js';

const select = (selector: string, labels: Record<string, string>) => matchesLabels(parseLabelSelector(selector), labels);

describe('a label selector', () => {
  it.each([
    ['', {}, true],
    ['a=b', { a: 'b' }, true],
    ['a == b', { a: 'b' }, true],
    ['a=', { a: '' }, true],
    ['a=b', {}, false],
    ['a!=b', {}, true],
    ['a!=b', { a: 'b' }, false],
    ['a in (x, y),c', { a: 'y', c: '' }, true],
    ['a in (x,y)', { a: 'z' }, false],
    ['a notin (x,y)', {}, true],
    ['!a', {}, true],
    ['!a', { a: '' }, false],
    ['a>3', { a: '4' }, true],
    ['a<3', { a: '4' }, false],
    ['a>3', { a: 'four' }, false],
    ['workflows.argoproj.io/phase in (Failed,Error)', { 'workflows.argoproj.io/phase': 'Error' }, true],
  ] as const)('%j on %j gives %j', (selector, labels, expected) => {
    expect(select(selector, labels)).toBe(expected);
  });

  it.each(['a=b=c', 'a b', '=b', 'a in x', 'a>x', '!', 'a in (x'])('refuses %j by name', (selector) => {
    expect(() => parseLabelSelector(selector)).toThrow('unable to parse requirement');
  });
});
