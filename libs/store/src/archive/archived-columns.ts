import { parseTime } from '#libs/workflow-spec';

import { type ArchiveWrite } from './archive-store.js';

/** What a row of the archive says beside the JSON; times in milliseconds. */
export interface ArchivedColumns {
  uid: string;
  name: string;
  namespace: string;
  phase: string;
  startedAtMs: number;
  finishedAtMs: number;
  labels: [name: string, value: string][];
}

const timeOr = (time: string | null | undefined, fallbackMs: number): number => (time ? parseTime(time) : fallbackMs);

/** A workflow that never started, or whose end is not known, has the nearest time that is. */
export const archivedColumns = ({ workflow, nowMs }: ArchiveWrite): ArchivedColumns => {
  const { metadata, status } = workflow;
  return {
    uid: metadata.uid ?? '',
    name: metadata.name ?? '',
    namespace: metadata.namespace ?? '',
    phase: status?.phase ?? '',
    startedAtMs: timeOr(status?.startedAt ?? metadata.creationTimestamp, nowMs),
    finishedAtMs: timeOr(status?.finishedAt, nowMs),
    labels: Object.entries(metadata.labels ?? {}),
  };
};
