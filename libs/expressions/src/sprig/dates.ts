import { ExpressionError } from '../errors.js';
import { formatDuration, parseDuration, roundDuration } from '../golang/duration.js';
import { isInt } from '../golang/numbers.js';
import { unixSecondsOf } from '../golang/calendar.js';
import { formatTime } from '../golang/time-format.js';
import { parseTime } from '../golang/time-parse.js';
import { GoDuration, GoTime } from '../golang/time-values.js';
import { isKnownZone } from '../golang/zones.js';
import { type Clock } from '../golang/values.js';
import { sprigFunction, textAt, ZERO_TIME, type SprigCall } from './arguments.js';

const SECOND_NS = 1_000_000_000n;
const DAY_NS = 86_400n * SECOND_NS;

/** A time or unix seconds; anything else, strings too, means now. */
function momentOf(value: unknown, clock: Clock): GoTime {
  if (value instanceof GoTime) return value;
  return isInt(value) ? new GoTime(BigInt(value) * SECOND_NS) : clock.now();
}

function formatIn(layout: string, value: unknown, zone: string, clock: Clock): string {
  const { unixNs } = momentOf(value, clock);
  return formatTime(new GoTime(unixNs, zone === '' || !isKnownZone(zone) ? 'UTC' : zone), layout);
}

function modify(change: string, time: GoTime, must: boolean): GoTime {
  try {
    return new GoTime(time.unixNs + parseDuration(change).ns, time.zone);
  } catch (error) {
    if (must || !(error instanceof ExpressionError)) throw error;
    return time;
  }
}

function toDate(layout: string, text: string, must: boolean): GoTime {
  const time = parseTime(layout, text);
  if (time instanceof GoTime) return time;
  if (must) throw time;
  return ZERO_TIME;
}

function secondsText(value: unknown): string {
  const seconds = typeof value === 'string' && /^[+-]?\d+$/.test(value) ? BigInt(value) : 0n;
  return formatDuration(new GoDuration(seconds * SECOND_NS));
}

/** The largest unit of a duration: `2h`, `3d`, `1mo`, `5y`. */
function roughly(value: unknown, clock: Clock): string {
  let ns = 0n;
  if (typeof value === 'string') {
    try {
      ({ ns } = parseDuration(value));
    } catch {
      ns = 0n;
    }
  } else if (value instanceof GoTime) ns = clock.now().unixNs - value.unixNs;
  const size = ns < 0n ? -ns : ns;
  const units: readonly [bigint, string][] = [
    [365n * DAY_NS, 'y'],
    [30n * DAY_NS, 'mo'],
    [DAY_NS, 'd'],
    [3600n * SECOND_NS, 'h'],
    [60n * SECOND_NS, 'm'],
    [SECOND_NS, 's'],
  ];
  const unit = units.find(([length]) => size > length);
  return unit ? `${size / unit[0]}${unit[1]}` : '0s';
}

function ago(value: unknown, clock: Clock): string {
  const elapsed = clock.now().unixNs - momentOf(value, clock).unixNs;
  return formatDuration(roundDuration(new GoDuration(elapsed), new GoDuration(SECOND_NS)));
}

const dateModify: SprigCall = ([change, time]) => modify(String(change), time as GoTime, false);
const mustDateModify: SprigCall = ([change, time]) => modify(String(change), time as GoTime, true);
const dateInZone: SprigCall = (args, clock) => formatIn(textAt(args, 0), args[1], textAt(args, 2), clock);

const DATES: Readonly<Record<string, readonly [parameters: string, call: SprigCall]>> = {
  now: ['', (_args, clock) => clock.now()],
  ago: ['a', ([value], clock) => ago(value, clock)],
  date: ['sa', (args, clock) => formatIn(textAt(args, 0), args[1], 'UTC', clock)],
  dateInZone: ['sas', dateInZone],
  date_in_zone: ['sas', dateInZone],
  htmlDate: ['a', ([value], clock) => formatIn('2006-01-02', value, 'UTC', clock)],
  htmlDateInZone: ['as', ([value, zone], clock) => formatIn('2006-01-02', value, String(zone), clock)],
  dateModify: ['st', dateModify],
  date_modify: ['st', dateModify],
  mustDateModify: ['st', mustDateModify],
  must_date_modify: ['st', mustDateModify],
  toDate: ['ss', (args) => toDate(textAt(args, 0), textAt(args, 1), false)],
  mustToDate: ['ss', (args) => toDate(textAt(args, 0), textAt(args, 1), true)],
  unixEpoch: ['t', ([time]) => String(unixSecondsOf(time as GoTime))],
  duration: ['a', ([value]) => secondsText(value)],
  durationRound: ['a', ([value], clock) => roughly(value, clock)],
};

export const DATE_FUNCTIONS = Object.entries(DATES).map(([name, [parameters, call]]) => sprigFunction(name, parameters, call));
