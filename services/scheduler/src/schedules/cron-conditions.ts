import { createScope, evaluateBoolean, evaluateCronWhen, goJson, GoTime, type Scope, substituteString } from '#libs/expressions';
import type { CronWorkflow } from '#libs/workflow-spec';
import type { ScheduleMemory } from './schedule-memory.js';

/** The variables of `when` and of `stopStrategy.expression`. */
const scopeOf = (cron: CronWorkflow, memory: ScheduleMemory, lastScheduledAtMs: number | null): Scope => {
  const { name = '', namespace = '', labels = {}, annotations = {} } = cron.metadata;
  const named = (what: string, values: Record<string, string>): [string, string][] =>
    Object.entries(values).map(([key, value]) => [`cronworkflow.${what}.${key}`, value]);
  return createScope(
    new Map<string, unknown>([
      ['cronworkflow.name', name],
      ['cronworkflow.namespace', namespace],
      ['cronworkflow.labels.json', goJson(labels)],
      ['cronworkflow.annotations.json', goJson(annotations)],
      ...named('labels', labels),
      ...named('annotations', annotations),
      ['cronworkflow.lastScheduledTime', lastScheduledAtMs === null ? null : new GoTime(BigInt(lastScheduledAtMs) * 1_000_000n)],
      ['cronworkflow.succeeded', memory.succeeded],
      ['cronworkflow.failed', memory.failed],
    ]),
  );
};

/** Whether `stopStrategy.expression` says that it is enough. Throws ExpressionError. */
export const wantsToStop = (
  cron: CronWorkflow,
  memory: ScheduleMemory,
  at: { lastMs: number | null; nowMs: number },
): boolean => {
  const expression = cron.spec.stopStrategy?.expression ?? '';
  return expression !== '' && evaluateBoolean(expression, scopeOf(cron, memory, at.lastMs), at.nowMs);
};

/** Whether `when` lets a tick run; the empty one does. Throws ExpressionError. */
export const letsRun = (cron: CronWorkflow, memory: ScheduleMemory, at: { lastMs: number | null; nowMs: number }): boolean => {
  const { when = '' } = cron.spec;
  if (when === '') return true;
  return evaluateCronWhen(substituteString(when, scopeOf(cron, memory, at.lastMs), { nowMs: at.nowMs }));
};
