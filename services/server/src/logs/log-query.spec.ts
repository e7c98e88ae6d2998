import { describe, expect, it } from 'vitest';
import { parseLogQuery } from './log-query.js';

describe('parseLogQuery', () => {
  it('reads Kubernetes’ log options, and several containers', () => {
    const query = { 'logOptions.follow': 'true', 'logOptions.tailLines': '5', 'logOptions.sinceSeconds': '60' };
    expect(parseLogQuery('pod', query, 100_000)).toMatchObject({
      podName: 'pod',
      containers: undefined,
      follow: true,
      tailLines: 5,
      sinceMs: 40_000,
    });
    expect(parseLogQuery(undefined, { podName: 'p', 'logOptions.container': 'wait,main' }, 0)).toMatchObject({
      podName: 'p',
      containers: ['wait', 'main'],
      follow: false,
    });
  });

  it('matches lines as a Go regular expression, anywhere in the line', () => {
    const { matches } = parseLogQuery(undefined, { grep: 'h.l+o' }, 0);
    expect(matches('say hello')).toBe(true);
    expect(matches('say bye')).toBe(false);
  });

  it('is not slowed down by a hostile pattern', () => {
    const { matches } = parseLogQuery(undefined, { grep: '(a+)+$' }, 0);
    const startMs = performance.now();
    expect(matches(`${'a'.repeat(5_000)}b`)).toBe(false);
    expect(performance.now() - startMs).toBeLessThan(2_000);
  });

  it('refuses what is no pattern, no number, no time', () => {
    expect(() => parseLogQuery(undefined, { grep: '(' }, 0)).toThrow('is not a regular expression');
    expect(() => parseLogQuery(undefined, { 'logOptions.tailLines': '-1' }, 0)).toThrow('logOptions.tailLines');
    expect(() => parseLogQuery(undefined, { 'logOptions.sinceTime': 'now' }, 0)).toThrow('RFC 3339');
  });
});
