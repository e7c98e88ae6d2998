import { unixFromCalendar } from '../golang/calendar.js';

const DATE = /^(\d{4})-(\d{2})-(\d{2})(?:[ T](\d{2}):(\d{2})(?::(\d{2})(?:[.,]\d{1,9})?)?(?:Z|([+-])(\d{2}):?(\d{2}))?)?$/;

/**
 * The unix seconds of a quoted text that govaluate takes for a date (`2006-01-02`, with a time, RFC 3339); undefined
 * for other texts. Times without a zone are read as UTC.
 */
export function parseGovaluateTime(text: string): number | undefined {
  const match = DATE.exec(text);
  if (!match) return undefined;
  const at = (group: number): number => Number(match[group] ?? 0);
  const [month, day] = [at(2), at(3)];
  const unix = unixFromCalendar([at(1), month, day], [at(4), at(5), at(6)]);
  const lastDay = new Date(unixFromCalendar([at(1), month + 1, 0]) * 1000).getUTCDate();
  const exists = month >= 1 && month <= 12 && day >= 1 && day <= lastDay && at(4) < 24 && at(5) < 60 && at(6) < 60;
  const offset = (at(8) * 60 + at(9)) * 60;
  return exists ? unix - (match[7] === '-' ? -offset : offset) : undefined;
}
