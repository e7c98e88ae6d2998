import { calendarOf, unixSecondsOf, unixFromCalendar } from './calendar.js';
import { formatDuration, roundDuration } from './duration.js';
import { float, int, isInt } from './numbers.js';
import { formatTime, formatTimeValue } from './time-format.js';
import { MONTHS, WEEKDAYS } from './time-layout.js';
import { GoDuration, GoLocation, GoTime } from './time-values.js';
import { zoneAbbreviation } from './zones.js';
import { ExpressionError } from '../errors.js';

type Method<T> = (receiver: T, args: readonly unknown[]) => unknown;

/** A month or weekday: an int whose text is its name. */
export class NamedInt {
  readonly value: number;
  readonly text: string;
  constructor(value: number, text: string) {
    this.value = value;
    this.text = text;
  }
}

function timeArgument(args: readonly unknown[]): GoTime {
  const [time] = args;
  if (time instanceof GoTime) return time;
  throw new ExpressionError('reflect: Call using a value that is not a time.Time');
}

function locationArgument(args: readonly unknown[]): GoLocation {
  const [location] = args;
  if (location instanceof GoLocation) return location;
  throw new ExpressionError('reflect: Call using a value that is not a *time.Location');
}

function durationArgument(args: readonly unknown[]): GoDuration {
  const [duration] = args;
  if (duration instanceof GoDuration) return duration;
  if (isInt(duration)) return new GoDuration(BigInt(duration));
  throw new ExpressionError('reflect: Call using a value that is not a time.Duration');
}

const intArgument = (value: unknown): number => (isInt(value) ? Number(value) : 0);

function addDate(time: GoTime, args: readonly unknown[]): GoTime {
  const [years, months, days] = args.map(intArgument);
  const { year, month, day, hour, minute, second, nanosecond, offsetSeconds } = calendarOf(time);
  const unix = unixFromCalendar([year + (years ?? 0), month + (months ?? 0), day + (days ?? 0)], [hour, minute, second]);
  return new GoTime(BigInt(unix - offsetSeconds) * 1_000_000_000n + BigInt(nanosecond), time.zone);
}

const TIME_METHODS: Readonly<Record<string, Method<GoTime>>> = {
  Year: (time) => calendarOf(time).year,
  Month: (time) => new NamedInt(calendarOf(time).month, MONTHS[calendarOf(time).month - 1] ?? ''),
  Day: (time) => calendarOf(time).day,
  Hour: (time) => calendarOf(time).hour,
  Minute: (time) => calendarOf(time).minute,
  Second: (time) => calendarOf(time).second,
  Nanosecond: (time) => calendarOf(time).nanosecond,
  YearDay: (time) => calendarOf(time).yearDay,
  Weekday: (time) => new NamedInt(calendarOf(time).weekday, WEEKDAYS[calendarOf(time).weekday] ?? ''),
  Unix: (time) => unixSecondsOf(time),
  UnixMilli: (time) => int(time.unixNs / 1_000_000n),
  UnixMicro: (time) => int(time.unixNs / 1000n),
  UnixNano: (time) => int(time.unixNs),
  Format: (time, [layout]) => formatTime(time, String(layout)),
  String: (time) => formatTimeValue(time),
  UTC: (time) => new GoTime(time.unixNs),
  In: (time, args) => new GoTime(time.unixNs, locationArgument(args).zone),
  Location: (time) => zoneAbbreviation(time.zone, unixSecondsOf(time)),
  IsZero: (time) => time.unixNs === ZERO_TIME_NS,
  Add: (time, args) => new GoTime(time.unixNs + durationArgument(args).ns, time.zone),
  AddDate: addDate,
  Sub: (time, args) => new GoDuration(time.unixNs - timeArgument(args).unixNs),
  Before: (time, args) => time.unixNs < timeArgument(args).unixNs,
  After: (time, args) => time.unixNs > timeArgument(args).unixNs,
  Equal: (time, args) => time.unixNs === timeArgument(args).unixNs,
  Compare: (time, args) => Math.sign(Number(time.unixNs - timeArgument(args).unixNs)),
  Truncate: (time, args) => truncate(time, durationArgument(args)),
};

const ZERO_TIME_NS = -62_135_596_800_000_000_000n;

function truncate(time: GoTime, unit: GoDuration): GoTime {
  if (unit.ns <= 0n) return time;
  return new GoTime(time.unixNs - ((time.unixNs - ZERO_TIME_NS) % unit.ns), time.zone);
}

const DURATION_METHODS: Readonly<Record<string, Method<GoDuration>>> = {
  Hours: ({ ns }) => float(Number(ns) / 3.6e12),
  Minutes: ({ ns }) => float(Number(ns) / 6e10),
  Seconds: ({ ns }) => float(Number(ns) / 1e9),
  Milliseconds: ({ ns }) => int(ns / 1_000_000n),
  Microseconds: ({ ns }) => int(ns / 1000n),
  Nanoseconds: ({ ns }) => int(ns),
  String: formatDuration,
  Abs: ({ ns }) => new GoDuration(ns < 0n ? -ns : ns),
  Round: (duration, args) => roundDuration(duration, durationArgument(args)),
  Truncate: (duration, args) => new GoDuration(duration.ns - (duration.ns % (durationArgument(args).ns || 1n))),
};

/** The method of that name of a time or duration value, bound to it; undefined when there is none. */
export function timeMethod(value: GoTime | GoDuration, name: string): ((args: readonly unknown[]) => unknown) | undefined {
  if (value instanceof GoTime) {
    const method = Object.hasOwn(TIME_METHODS, name) ? TIME_METHODS[name] : undefined;
    return method && ((args) => method(value, args));
  }
  const method = Object.hasOwn(DURATION_METHODS, name) ? DURATION_METHODS[name] : undefined;
  return method && ((args) => method(value, args));
}

const NO_METHODS: ReadonlySet<string> = new Set();
const METHOD_NAMES: Readonly<Record<string, ReadonlySet<string>>> = {
  time: new Set(Object.keys(TIME_METHODS)),
  duration: new Set(Object.keys(DURATION_METHODS)),
};

/** The names of the methods of a kind of value (`time`, `duration`). */
export const timeMethodNames = (kind: string): ReadonlySet<string> => METHOD_NAMES[kind] ?? NO_METHODS;
