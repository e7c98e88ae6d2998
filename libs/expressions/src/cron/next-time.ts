import { zoneOffsetSeconds } from '../golang/zones.js';
import { type CronSchedule } from './schedule.js';

type FieldSchedule = Extract<CronSchedule, { kind: 'fields' }>;

const DAY = 86_400;
const MAX_YEARS = 5;

const sorted = (values: ReadonlySet<number>): number[] => [...values].sort((a, b) => a - b);

/** Both day fields must match where one of them is `*`; else either is enough. */
function matchesDay(schedule: FieldSchedule, day: Date): boolean {
  const { dayOfMonth, dayOfWeek, month } = schedule;
  if (!month.values.has(day.getUTCMonth() + 1)) return false;
  const byMonth = dayOfMonth.values.has(day.getUTCDate());
  const byWeek = dayOfWeek.values.has(day.getUTCDay());
  return dayOfMonth.any || dayOfWeek.any ? byMonth && byWeek : byMonth || byWeek;
}

/** The moments of a local day at which the clock shows a wanted time: none in a gap, two where it is set back. */
function momentsOf(schedule: FieldSchedule, dayStart: number): number[] {
  const { zone } = schedule;
  const offsets = [
    ...new Set([dayStart - DAY, dayStart, dayStart + DAY, dayStart + 2 * DAY].map((at) => zoneOffsetSeconds(zone, at))),
  ];
  const moments: number[] = [];
  for (const hour of sorted(schedule.hour.values)) {
    for (const minute of sorted(schedule.minute.values)) {
      const wall = dayStart + hour * 3600 + minute * 60;
      for (const offset of offsets) {
        if (offsets.length === 1 || zoneOffsetSeconds(zone, wall - offset) === offset) moments.push(wall - offset);
      }
    }
  }
  return moments.sort((a, b) => a - b);
}

/**
 * The next time of a schedule strictly after `afterMs` (both in milliseconds since 1970); undefined when there is none
 * within five years, which also ends the search for days that never come.
 */
export function nextCronTime(schedule: CronSchedule, afterMs: number): number | undefined {
  if (schedule.kind === 'every') return Math.floor(afterMs / 1000) * 1000 + schedule.intervalMs;
  const after = afterMs / 1000;
  const local = Math.floor(after) + zoneOffsetSeconds(schedule.zone, Math.floor(after));
  const lastYear = new Date(local * 1000).getUTCFullYear() + MAX_YEARS;
  for (let dayStart = Math.floor(local / DAY) * DAY; ; dayStart += DAY) {
    const day = new Date(dayStart * 1000);
    if (day.getUTCFullYear() > lastYear) return undefined;
    if (!matchesDay(schedule, day)) continue;
    const moment = momentsOf(schedule, dayStart).find((at) => at > after);
    if (moment !== undefined) return moment * 1000;
  }
}
