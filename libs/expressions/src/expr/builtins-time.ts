import { ExpressionError } from '../errors.js';
import { parseDuration } from '../golang/duration.js';
import { parseTime } from '../golang/time-parse.js';
import { GoLocation, GoTime } from '../golang/time-values.js';
import { isKnownZone } from '../golang/zones.js';
import { text } from './builtins-text.js';
import { type Builtins } from './builtins.js';

/** The layouts that `date` tries, in this order. */
const LAYOUTS = [
  '2006-01-02',
  '15:04:05',
  '2006-01-02 15:04:05',
  '2006-01-02T15:04:05Z07:00',
  '02 Jan 06 15:04 MST',
  'Monday, 02-Jan-06 15:04:05 MST',
  'Mon, 02 Jan 2006 15:04:05 MST',
];

function date(args: readonly unknown[]): GoTime {
  const [first] = args;
  const located = first instanceof GoLocation;
  const rest = located ? args.slice(1) : args;
  const value = text(rest, 0);
  const zone = located ? first.zone : rest.length > 2 ? knownZone(text(rest, 2)) : 'UTC';
  for (const layout of rest.length > 1 ? [text(rest, 1)] : LAYOUTS) {
    const time = parseTime(layout, value, zone);
    if (time instanceof GoTime) return time;
    if (rest.length > 1) throw time;
  }
  throw new ExpressionError(`invalid date ${value}`);
}

function knownZone(name: string): string {
  if (isKnownZone(name)) return name;
  throw new ExpressionError(`unknown time zone ${name}`);
}

export const TIME_BUILTINS: Builtins = {
  now: (_args, budget) => budget.now(),
  duration: (args) => parseDuration(text(args, 0)),
  date,
  timezone: (args) => new GoLocation(knownZone(text(args, 0))),
};
