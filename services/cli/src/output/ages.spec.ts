import { describe, expect, it } from 'vitest';
import { shortDuration, timestampText, wordyDuration } from './ages.js';

const SECOND_MS = 1000;
const DAY_MS = 86_400 * SECOND_MS;

describe('lengths of time', () => {
  it.each([
    [0, '0s'],
    [-5, '0s'],
    [59_999, '59s'],
    [60_000, '1m'],
    [3_600_000 * 23, '23h'],
    [DAY_MS * 2, '2d'],
    [DAY_MS * 400, '1y'],
  ])('%i ms are %s in a column', (ms, text) => {
    expect(shortDuration(ms)).toBe(text);
  });

  it.each([
    [0, '0 seconds'],
    [1000, '1 second'],
    [65_000, '1 minute 5 seconds'],
    [3_600_000, '1 hour'],
    [DAY_MS + 3_600_000 * 2 + 5000, '1 day 2 hours'],
  ])('%i ms are %s in words', (ms, text) => {
    expect(wordyDuration(ms)).toBe(text);
  });

  it('tells how long ago a time was, or how far ahead it is', () => {
    const now = Date.UTC(2026, 10, 21, 2, 37, 0);
    expect(timestampText('2026-11-21T02:32:00Z', now)).toBe('Sat Nov 21 02:32:00 +0000 (5 minutes ago)');
    expect(timestampText('2026-11-21T02:38:00Z', now)).toBe('Sat Nov 21 02:38:00 +0000 (1 minute from now)');
    expect(timestampText('2026-11-21T02:37:00Z', now)).toContain('(now)');
  });
});
