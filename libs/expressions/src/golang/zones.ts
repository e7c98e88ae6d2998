import { BoundedCache } from '../bounded-cache.js';
import { ExpressionError } from '../errors.js';

const OFFSET = /^([+-])(\d{2}):?(\d{2})$/;

function makeFormatter(zone: string): Intl.DateTimeFormat | undefined {
  try {
    return new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      hourCycle: 'h23',
      era: 'short',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  } catch {
    return undefined;
  }
}

const formatters = new BoundedCache<string, { readonly formatter: Intl.DateTimeFormat | undefined }>(100);
const offsets = new BoundedCache<string, number>(5000);

const formatterOf = (zone: string): Intl.DateTimeFormat | undefined =>
  formatters.getOrMake(zone, (name) => ({ formatter: makeFormatter(name) })).formatter;

/** Whether the name is `UTC`, a fixed offset (`+02:00`) or a zone of the tz database. */
export const isKnownZone = (zone: string): boolean =>
  zone === 'UTC' || OFFSET.test(zone) || (/^[A-Za-z][\w+/-]*$/.test(zone) && formatterOf(zone) !== undefined);

function computeOffset(formatter: Intl.DateTimeFormat, unixSeconds: number): number {
  const parts: Record<string, number> = {};
  for (const { type, value } of formatter.formatToParts(new Date(unixSeconds * 1000))) parts[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
  const local = new Date(0);
  local.setUTCFullYear(year, month - 1, day);
  local.setUTCHours(hour, minute, second);
  return Math.round(local.getTime() / 1000 - unixSeconds);
}

/** Seconds that the zone is ahead of UTC at a moment; throws ExpressionError for an unknown zone. */
export function zoneOffsetSeconds(zone: string, unixSeconds: number): number {
  if (zone === 'UTC') return 0;
  const fixed = OFFSET.exec(zone);
  if (fixed) return (fixed[1] === '-' ? -1 : 1) * (Number(fixed[2]) * 3600 + Number(fixed[3]) * 60);
  const formatter = formatterOf(zone);
  if (!formatter) throw new ExpressionError(`unknown time zone ${zone}`);
  // Transitions happen at whole quarters of an hour.
  const quarter = Math.floor(unixSeconds / 900) * 900;
  return offsets.getOrMake(`${zone}@${quarter}`, () => computeOffset(formatter, quarter));
}

/** An offset as `-0500` or `-05:00`. */
export function formatOffset(seconds: number, colon: boolean): string {
  const minutes = Math.floor(Math.abs(seconds) / 60);
  const hh = String(Math.floor(minutes / 60)).padStart(2, '0');
  const mm = String(minutes % 60).padStart(2, '0');
  return `${seconds < 0 ? '-' : '+'}${hh}${colon ? ':' : ''}${mm}`;
}

/** The zone's short name at a moment (`EDT`), or the offset where it has none. */
export function zoneAbbreviation(zone: string, unixSeconds: number): string {
  if (zone === 'UTC') return 'UTC';
  const offset = zoneOffsetSeconds(zone, unixSeconds);
  if (!OFFSET.test(zone)) {
    for (const locale of ['en-US', 'en-GB', 'en-AU', 'en-IN', 'en-ZA']) {
      const parts = new Intl.DateTimeFormat(locale, { timeZone: zone, timeZoneName: 'short' }).formatToParts(
        new Date(unixSeconds * 1000),
      );
      const name = parts.find(({ type }) => type === 'timeZoneName')?.value ?? '';
      if (/^[A-Z]{3,5}$/.test(name)) return name;
    }
  }
  const text = formatOffset(offset, false);
  return text.endsWith('00') && !OFFSET.test(zone) ? text.slice(0, 3) : text;
}
