const LAYOUTS = /^(\d{4})-(\d{2})-(\d{2})(?:(?: |T)(\d{2}):(\d{2})(?::(\d{2})(?:[.,]\d{1,9})?)?(Z|[+-]\d{2}:\d{2}|[+-]\d{4})?)?$/;

/**
 * The unix seconds of a quoted text that govaluate takes for a date (`2006-01-02`, with a time, RFC 3339); undefined
 * for other texts. Times without a zone are read as UTC.
 */
export function parseGovaluateTime(text: string): number | undefined {
  const match = LAYOUTS.exec(text);
  if (!match) return undefined;
  const [, year, month, day, hour = '0', minute = '0', second = '0', zone = 'Z'] = match;
  const fields = [year, month, day, hour, minute, second].map(Number);
  const [y = 0, mo = 0, d = 0, h = 0, mi = 0, s = 0] = fields;
  const ms = Date.UTC(y, mo - 1, d, h, mi, s);
  const back = new Date(ms);
  if (back.getUTCMonth() !== mo - 1 || back.getUTCDate() !== d || h > 23 || mi > 59 || s > 59) return undefined;
  const offset = zone === 'Z' ? 0 : Number(`${zone.slice(0, 1)}1`) * (Number(zone.slice(1, 3)) * 60 + Number(zone.slice(-2)));
  return ms / 1000 - offset * 60;
}
