import type { CronChild } from '#libs/store';
import type { CronWorkflowSpec } from '#libs/workflow-spec';

const KEPT_SUCCESSES = 3;
const KEPT_FAILURES = 1;

const beyond = (children: CronChild[], limit: number): string[] =>
  children
    .sort((a, b) => (b.finishedAtMs ?? b.createdAtMs) - (a.finishedAtMs ?? a.createdAtMs))
    .slice(limit)
    .map(({ uid }) => uid);

/** Uids of ended children that the history limits have no room for: those that ended first, successes and others apart. */
export const beyondHistory = (
  children: readonly CronChild[],
  { successfulJobsHistoryLimit = KEPT_SUCCESSES, failedJobsHistoryLimit = KEPT_FAILURES }: Partial<CronWorkflowSpec>,
): string[] => {
  const ended = children.filter(({ completed }) => completed);
  return [
    ...beyond(
      ended.filter(({ phase }) => phase === 'Succeeded'),
      successfulJobsHistoryLimit,
    ),
    ...beyond(
      ended.filter(({ phase }) => phase !== 'Succeeded'),
      failedJobsHistoryLimit,
    ),
  ];
};
