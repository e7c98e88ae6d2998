import { type GoTime } from './time-values.js';
import { zoneOffsetSeconds } from './zones.js';

const NS = 1_000_000_000n;

/** A moment's wall clock in its zone. */
export interface Calendar {
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly nanosecond: number;
  /** 0 is Sunday. */
  readonly weekday: number;
  /** 1 to 366. */
  readonly yearDay: number;
  readonly offsetSeconds: number;
  readonly unixSeconds: number;
}

const floorDiv = (a: bigint, b: bigint): bigint => (a % b < 0n ? a / b - 1n : a / b);

/** Whole seconds since 1970 of a moment. */
export const unixSecondsOf = (time: GoTime): number => Number(floorDiv(time.unixNs, NS));

/** Seconds since 1970 of a UTC wall clock; months and days may overflow. */
export function unixFromCalendar(
  date: readonly [year: number, month: number, day: number],
  clock: readonly [hour: number, minute: number, second: number] = [0, 0, 0],
): number {
  const moment = new Date(0);
  moment.setUTCFullYear(date[0], date[1] - 1, date[2]);
  return moment.getTime() / 1000 + clock[0] * 3600 + clock[1] * 60 + clock[2];
}

/** The wall clock of a moment in its zone. */
export function calendarOf(time: GoTime): Calendar {
  const unixSeconds = unixSecondsOf(time);
  const offsetSeconds = zoneOffsetSeconds(time.zone, unixSeconds);
  const local = new Date((unixSeconds + offsetSeconds) * 1000);
  const year = local.getUTCFullYear();
  const month = local.getUTCMonth() + 1;
  const day = local.getUTCDate();
  return {
    year,
    month,
    day,
    hour: local.getUTCHours(),
    minute: local.getUTCMinutes(),
    second: local.getUTCSeconds(),
    nanosecond: Number(time.unixNs - floorDiv(time.unixNs, NS) * NS),
    weekday: local.getUTCDay(),
    yearDay: (unixFromCalendar([year, month, day]) - unixFromCalendar([year, 1, 1])) / 86_400 + 1,
    offsetSeconds,
    unixSeconds,
  };
}
