import type { Resource } from '#libs/resources';
import { AnnotationName, API_VERSION, formatTime, Kind, LabelName, type JsonValue } from '#libs/workflow-spec';
import type { ScheduleMemory } from './schedule-memory.js';

const reference = (namespace: string, { uid, name }: { uid: string; name: string }): JsonValue => ({
  apiVersion: API_VERSION,
  kind: Kind.Workflow,
  name,
  namespace,
  uid,
});

const statusOf = (namespace: string, memory: ScheduleMemory, lastScheduledAtMs: number | null): JsonValue => ({
  active: memory.active.length === 0 ? null : memory.active.map((child) => reference(namespace, child)),
  lastScheduledTime: lastScheduledAtMs === null ? null : formatTime(lastScheduledAtMs),
  conditions: memory.conditions.length === 0 ? null : memory.conditions.map((condition) => ({ ...condition })),
  succeeded: memory.succeeded,
  failed: memory.failed,
  phase: memory.phase,
});

/** Nothing has happened yet that a status would tell of. */
const isBlank = (memory: ScheduleMemory, lastScheduledAtMs: number | null): boolean =>
  lastScheduledAtMs === null && memory.phase === '' && memory.active.length + memory.conditions.length === 0;

/**
 * The CronWorkflow with the status, the label and the annotation that Argo's controller gives it; undefined where it has them already.
 * They are made from the schedule's row and can be made again.
 */
export const withStatus = (stored: Resource, memory: ScheduleMemory, lastScheduledAtMs: number | null): Resource | undefined => {
  if (isBlank(memory, lastScheduledAtMs) && stored['status'] === undefined) return undefined;
  const { labels, annotations, ...metadata } = stored.metadata;
  const hasRun = memory.phase !== '';
  const wanted: Resource = {
    ...stored,
    metadata: {
      ...metadata,
      ...(memory.phase === 'Stopped' ? { labels: { ...labels, [LabelName.cronCompleted]: 'true' } } : labels && { labels }),
      ...(hasRun
        ? { annotations: { ...annotations, [AnnotationName.lastUsedSchedule]: memory.schedules } }
        : annotations && { annotations }),
    },
    status: statusOf(metadata.namespace ?? '', memory, lastScheduledAtMs),
  };
  const isSame =
    canonical(wanted['status']) === canonical(stored['status']) &&
    canonical(wanted.metadata.labels) === canonical(labels) &&
    canonical(wanted.metadata.annotations) === canonical(annotations);
  return isSame ? undefined : wanted;
};

const canonical = (value: unknown): string =>
  JSON.stringify(value, (_key, member: unknown) =>
    member !== null && typeof member === 'object' && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  ) ?? '';
