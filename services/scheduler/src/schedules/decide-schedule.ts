import { type CronSchedule, ExpressionError, latestTick, nextTick, schedulesOf, scheduleText } from '#libs/expressions';
import type { CronChild } from '#libs/store';
import type { CronWorkflow } from '#libs/workflow-spec';
import { letsRun, wantsToStop } from './cron-conditions.js';
import { type ScheduleMemory, withCondition } from './schedule-memory.js';

export interface ScheduleInput {
  cron: CronWorkflow;
  memory: ScheduleMemory;
  lastScheduledAtMs: number | null;
  /** All children that are there. */
  children: readonly CronChild[];
  nowMs: number;
}

/** What becomes of a CronWorkflow in one commit: at most one tick is decided. */
export interface ScheduleDecision {
  memory: ScheduleMemory;
  lastScheduledAtMs: number | null;
  nextRunAtMs: number | null;
  /** The tick that was decided; absent: none was due. */
  tick?: { atMs: number; outcome: 'run' | 'forbidden' | 'when-false' | 'error'; replaced: number };
}

/** A tick that is found later than this was missed: all schedulers were away. Sooner, one took over from another. */
const ON_TIME_MS = 30_000;

/** Counts the children that have ended since, forgets those that are gone, adopts those that others made (Argo's reconcileActiveWfs). */
const followChildren = (memory: ScheduleMemory, children: readonly CronChild[]): ScheduleMemory => {
  const byUid = new Map(children.map((child) => [child.uid, child]));
  const ended = memory.active.map(({ uid }) => byUid.get(uid)).filter((child) => child?.completed === true);
  const succeeded = ended.filter((child) => child?.phase === 'Succeeded').length;
  const running = children.filter(({ completed }) => !completed).map(({ uid, name }) => ({ uid, name }));
  const known = memory.active.filter(({ uid }) => byUid.get(uid)?.completed === false);
  const adopted = running.filter(({ uid }) => !memory.active.some((child) => child.uid === uid)).reverse();
  return {
    ...memory,
    active: [...known, ...adopted],
    replaced: memory.replaced.filter((uid) => byUid.get(uid)?.completed === false),
    succeeded: memory.succeeded + succeeded,
    failed: memory.failed + ended.length - succeeded,
  };
};

/** What intervals are counted from. */
const beganOf = ({ beganMs, cursorMs }: ScheduleMemory): number => beganMs ?? cursorMs;

const deadlineMsOf = (cron: CronWorkflow): number => (cron.spec.startingDeadlineSeconds ?? 0) * 1000;
/** A shorter deadline means what it says. */
const onTimeMsOf = (cron: CronWorkflow): number => {
  const deadlineMs = deadlineMsOf(cron);
  return deadlineMs === 0 ? ON_TIME_MS : Math.min(ON_TIME_MS, deadlineMs);
};
const isBlocked = (cron: CronWorkflow, memory: ScheduleMemory): boolean =>
  cron.spec.concurrencyPolicy === 'Forbid' && memory.active.length > 0;

/** Argo runs of all missed ticks the last one, where a deadline is set, it has not passed, and something ran before. */
const missedTick = (input: ScheduleInput, schedules: readonly CronSchedule[], untilMs: number): number | undefined => {
  const { cron, memory, lastScheduledAtMs, nowMs } = input;
  const deadlineMs = deadlineMsOf(cron);
  if (lastScheduledAtMs === null || deadlineMs === 0) return undefined;
  const afterMs = Math.max(lastScheduledAtMs, nowMs - deadlineMs);
  return latestTick(schedules, { afterMs, untilMs, beganMs: beganOf(memory) });
};

/** Takes a change of the schedules, a suspension or its end, and time that nobody watched, into the memory. */
const arrive = (input: ScheduleInput, schedules: readonly CronSchedule[], memory: ScheduleMemory): ScheduleMemory => {
  const { cron, nowMs } = input;
  const text = scheduleText(cron.spec);
  const suspended = cron.spec.suspend === true;
  const { heldMs, ...others } = memory;
  // Argo runs nothing outstanding of a schedule that has just changed.
  if (memory.schedules !== text) return { ...others, schedules: text, suspended, cursorMs: nowMs, beganMs: nowMs };
  if (suspended) return { ...memory, suspended };
  if (memory.suspended) return hold({ ...others, suspended, cursorMs: nowMs }, missedTick(input, schedules, nowMs));
  const kept = heldMs !== undefined && heldMs + deadlineMsOf(cron) <= nowMs ? others : memory;
  const onTimeFromMs = nowMs - onTimeMsOf(cron);
  if (memory.cursorMs >= onTimeFromMs) return kept;
  if (cron.spec.catchUp === true) return { ...kept, cursorMs: oldestToCatchUp(cron, memory, nowMs) };
  const missed = latestTick(schedules, { afterMs: memory.cursorMs, untilMs: onTimeFromMs, beganMs: beganOf(memory) });
  if (missed === undefined) return kept;
  return hold({ ...kept, cursorMs: missed }, missedTick(input, schedules, onTimeFromMs));
};

const oldestToCatchUp = (cron: CronWorkflow, memory: ScheduleMemory, nowMs: number): number => {
  const deadlineMs = deadlineMsOf(cron);
  return deadlineMs === 0 ? memory.cursorMs : Math.max(memory.cursorMs, nowMs - deadlineMs);
};

const hold = (memory: ScheduleMemory, tickMs: number | undefined): ScheduleMemory =>
  tickMs === undefined ? memory : { ...memory, heldMs: tickMs };

/** The tick to decide now; undefined where none has come or the one that is caught up has to wait for another run. */
const tickOf = (input: ScheduleInput, schedules: readonly CronSchedule[], memory: ScheduleMemory): number | undefined => {
  const { cron, nowMs } = input;
  if (memory.heldMs !== undefined && !isBlocked(cron, memory)) return memory.heldMs;
  const tickMs = nextTick(schedules, memory.cursorMs, beganOf(memory));
  if (tickMs === undefined || tickMs > nowMs) return undefined;
  const waits = cron.spec.catchUp === true && tickMs < nowMs - onTimeMsOf(cron) && isBlocked(cron, memory);
  return waits ? undefined : tickMs;
};

const passed = (memory: ScheduleMemory, tickMs: number): ScheduleMemory => {
  const { heldMs, ...others } = memory;
  const cursorMs = Math.max(memory.cursorMs, tickMs);
  return heldMs === undefined || heldMs === tickMs ? { ...others, cursorMs } : { ...memory, cursorMs };
};

type Tick = NonNullable<ScheduleDecision['tick']>;

/** Argo's order: the concurrency policy, `when`, and then the run. */
const decideTick = (input: ScheduleInput, memory: ScheduleMemory, atMs: number): { memory: ScheduleMemory; tick: Tick } => {
  const { cron, lastScheduledAtMs, nowMs } = input;
  const after = passed(memory, atMs);
  if (isBlocked(cron, memory)) {
    const held = deadlineMsOf(cron) > 0 ? hold(after, atMs) : after;
    return { memory: held, tick: { atMs, outcome: 'forbidden', replaced: 0 } };
  }
  try {
    if (!letsRun(cron, memory, { lastMs: lastScheduledAtMs, nowMs }))
      return { memory: after, tick: { atMs, outcome: 'when-false', replaced: 0 } };
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    const failed = withCondition(after, 'SubmissionError', `Concurrency policy error: ${error.message}`);
    return { memory: failed, tick: { atMs, outcome: 'error', replaced: 0 } };
  }
  const replaced = cron.spec.concurrencyPolicy === 'Replace' ? after.active : [];
  const uids = replaced.map(({ uid }) => uid).filter((uid) => !after.replaced.includes(uid));
  return {
    memory: { ...withCondition(after, 'SubmissionError'), replaced: [...after.replaced, ...uids], phase: 'Active' },
    tick: { atMs, outcome: 'run', replaced: uids.length },
  };
};

/** The schedules, or what is wrong with them. */
const readSchedules = (cron: CronWorkflow): CronSchedule[] | string => {
  try {
    return schedulesOf(cron.spec);
  } catch (error) {
    if (error instanceof ExpressionError) return error.message;
    throw error;
  }
};

const stopped = (input: ScheduleInput, memory: ScheduleMemory): boolean | string => {
  if (memory.phase === 'Stopped') return true;
  try {
    return wantsToStop(input.cron, memory, { lastMs: input.lastScheduledAtMs, nowMs: input.nowMs });
  } catch (error) {
    if (error instanceof ExpressionError) return error.message;
    throw error;
  }
};

/**
 * Decides what a CronWorkflow does now: counts children that have ended, stops it where its strategy says so, and decides the next
 * tick that has come. Asked again with its own answer, it decides the tick after that, until none has come (workflow/cron/operator.go).
 */
export const decideSchedule = (input: ScheduleInput): ScheduleDecision => {
  const { cron, nowMs, lastScheduledAtMs } = input;
  const followed = followChildren(input.memory, input.children);
  const idle = (memory: ScheduleMemory): ScheduleDecision => ({ memory, lastScheduledAtMs, nextRunAtMs: null });

  const stop = stopped(input, followed);
  if (stop === true) return idle({ ...followed, phase: 'Stopped' });
  if (typeof stop === 'string') return idle(withCondition(followed, 'SpecError', `stopStrategy.expression: ${stop}`));
  const schedules = readSchedules(cron);
  if (typeof schedules === 'string') return idle(withCondition(followed, 'SpecError', schedules));

  const memory = arrive(input, schedules, withCondition(followed, 'SpecError'));
  if (memory.suspended) return idle(memory);
  const tickMs = tickOf(input, schedules, memory);
  if (tickMs === undefined) {
    const nextMs = nextTick(schedules, memory.cursorMs, beganOf(memory)) ?? null;
    // A tick that is caught up later waits for a child to end, and that is told by the child.
    return { memory, lastScheduledAtMs, nextRunAtMs: nextMs !== null && nextMs <= nowMs ? null : nextMs };
  }
  const decided = decideTick(input, memory, tickMs);
  return {
    ...decided,
    lastScheduledAtMs: decided.tick.outcome === 'run' ? tickMs : lastScheduledAtMs,
    nextRunAtMs: nextTick(schedules, decided.memory.cursorMs, beganOf(decided.memory)) ?? null,
  };
};
