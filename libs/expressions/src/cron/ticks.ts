import { nextCronTime } from './next-time.js';
import { type CronSchedule, parseCron } from './schedule.js';

/** The schedules of a CronWorkflow, and the zone that they are in (an IANA name; UTC where absent or empty). */
export interface Schedules {
  readonly schedules?: readonly string[];
  readonly timezone?: string;
}

/** Windows in which the latest tick is looked for, from the narrowest on: an hour, a day, a month, five years. */
const WINDOWS_MS = [3_600_000, 86_400_000, 31 * 86_400_000, 5 * 366 * 86_400_000];

/** The schedules of a CronWorkflow in its zone (UTC where it names none). Throws ExpressionError with robfig/cron's text. */
export const schedulesOf = ({ schedules = [], timezone }: Schedules): CronSchedule[] =>
  schedules.map((schedule) => (timezone === undefined || timezone === '' ? parseCron(schedule) : parseCron(schedule, timezone)));

/** One text for all schedules with their zone: what Argo remembers as the schedule that was used last. */
export const scheduleText = ({ schedules = [], timezone }: Schedules): string =>
  schedules
    .map((schedule) => (timezone === undefined || timezone === '' ? schedule : `CRON_TZ=${timezone} ${schedule}`))
    .join(',');

/** The next time of one schedule; intervals are counted from `beganMs`, so that several of them do not disturb each other. */
const nextOf = (schedule: CronSchedule, afterMs: number, beganMs: number): number | undefined => {
  if (schedule.kind !== 'every') return nextCronTime(schedule, afterMs);
  const base = Math.floor(beganMs / 1000) * 1000;
  return base + Math.max(1, Math.floor((afterMs - base) / schedule.intervalMs) + 1) * schedule.intervalMs;
};

/**
 * The soonest time of any of the schedules after `afterMs` (milliseconds since 1970); undefined where none comes. `beganMs` is when
 * intervals (`@every`) began to count; `afterMs` where absent, as robfig/cron's Next.
 */
export const nextTick = (schedules: readonly CronSchedule[], afterMs: number, beganMs = afterMs): number | undefined => {
  const times = schedules.map((schedule) => nextOf(schedule, afterMs, beganMs)).filter((time) => time !== undefined);
  return times.length === 0 ? undefined : Math.min(...times);
};

interface Span {
  afterMs: number;
  untilMs: number;
  /** When intervals began to count. */
  beganMs: number;
}

/** The last time of a schedule in (afterMs, untilMs]. */
const latestOf = (schedule: CronSchedule, { afterMs, untilMs, beganMs }: Span): number | undefined => {
  if (schedule.kind === 'every') {
    const base = Math.floor(beganMs / 1000) * 1000;
    const steps = Math.floor((untilMs - base) / schedule.intervalMs);
    const latest = base + steps * schedule.intervalMs;
    return steps < 1 || latest <= afterMs ? undefined : latest;
  }
  for (const windowMs of WINDOWS_MS) {
    const fromMs = Math.max(afterMs, untilMs - windowMs);
    let latest: number | undefined;
    for (let at = nextCronTime(schedule, fromMs); at !== undefined && at <= untilMs; at = nextCronTime(schedule, at)) latest = at;
    if (latest !== undefined || fromMs === afterMs) return latest;
  }
  return undefined;
};

/** The last time of any of the schedules in (afterMs, untilMs], intervals counted from `beganMs`; undefined where there is none. */
export const latestTick = (schedules: readonly CronSchedule[], span: Span): number | undefined => {
  const times = schedules.map((schedule) => latestOf(schedule, span)).filter((time) => time !== undefined);
  return times.length === 0 ? undefined : Math.max(...times);
};
