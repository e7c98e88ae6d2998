import { type GoTime } from './time-values.js';

/** RFC 3339 with as many fraction digits as needed, as time.Time marshals. */
export function formatRfc3339(time: GoTime): string {
  const ms = Number(time.unixNs / 1_000_000n);
  return new Date(ms).toISOString().replace(/\.000Z$/, 'Z');
}
