import { type Condition, type CronWorkflow, parseTime } from '#libs/workflow-spec';

/** A child that has not ended. */
export interface ActiveChild {
  uid: string;
  name: string;
}

/** What the scheduler remembers of a CronWorkflow: the body of its row. Stored: later fields are optional. */
export interface ScheduleMemory {
  /** The schedules and the zone that `cursorMs` is about. */
  schedules: string;
  /** Every tick up to here is decided, in milliseconds since 1970. */
  cursorMs: number;
  /** When these schedules began, which intervals (`@every`) are counted from; absent: at the cursor. */
  beganMs?: number;
  suspended: boolean;
  /** A tick that has not run and may, until `startingDeadlineSeconds` after it. */
  heldMs?: number;
  active: ActiveChild[];
  /** Children that `Replace` has ordered to end. */
  replaced: string[];
  succeeded: number;
  failed: number;
  phase: '' | 'Active' | 'Stopped';
  conditions: Condition[];
}

/** Written by Argo's controller, or by us. */
interface CronStatus {
  lastScheduledTime?: string | null;
  succeeded?: number;
  failed?: number;
  phase?: string;
}

const statusOf = (cron: CronWorkflow): CronStatus => cron.status ?? {};

/** Where a schedule begins: with what the object itself tells of earlier runs (made by Argo, say), and ticks from `cursorMs` on. */
export const newMemory = (cron: CronWorkflow, schedules: string, cursorMs: number): ScheduleMemory => {
  const { succeeded = 0, failed = 0, phase } = statusOf(cron);
  return {
    schedules,
    cursorMs,
    beganMs: cursorMs,
    suspended: false,
    active: [],
    replaced: [],
    succeeded,
    failed,
    phase: phase === 'Active' || phase === 'Stopped' ? phase : '',
    conditions: [],
  };
};

/** The last tick that the object tells of; null where it tells of none. */
export const lastScheduledOf = (cron: CronWorkflow): number | null => {
  const time = statusOf(cron).lastScheduledTime;
  if (typeof time !== 'string') return null;
  try {
    return parseTime(time);
  } catch {
    return null;
  }
};

/** The memory with a condition set, or without it where there is no message. */
export const withCondition = (
  memory: ScheduleMemory,
  type: 'SpecError' | 'SubmissionError',
  message?: string,
): ScheduleMemory => {
  const others = memory.conditions.filter((condition) => condition.type !== type);
  return { ...memory, conditions: message === undefined ? others : [...others, { type, status: 'True', message }] };
};
