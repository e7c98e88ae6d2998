import type { DueRow } from '#libs/queue';
import type { ArtifactDeletionRepository } from '#libs/store';
import type { Clock } from '#libs/workflow-spec';

const PAGE = 200;

/**
 * Workflows whose deletions wait to be planned or are due, in uid order: what the sweeper wakes. `progress` is the first row that
 * is due, which rises while somebody works on the workflow; a store that is away makes no row due.
 */
export function dueCollections(
  deletions: Pick<ArtifactDeletionRepository, 'unplannedWorkflows' | 'overdueWorkflows' | 'duePage'>,
  clock: Clock,
): (afterUid: string | undefined, dueBeforeMs: number) => Promise<DueRow<{ workflow: string }>[]> {
  const progressOf = async (workflowUid: string): Promise<string> => {
    const [first] = await deletions.duePage({ workflowUid, nowMs: clock.nowMs(), limit: 1 });
    return first === undefined ? 'unplanned' : `${first.id}/${first.attempts}`;
  };
  return async (afterUid, dueBeforeMs) => {
    const query = { overdueBeforeMs: dueBeforeMs, limit: PAGE, ...(afterUid === undefined ? {} : { afterUid }) };
    const [unplanned, overdue] = await Promise.all([deletions.unplannedWorkflows(query), deletions.overdueWorkflows(query)]);
    const uids = [...new Set([...unplanned, ...overdue])].sort(byBytes).slice(0, PAGE);
    const rows: DueRow<{ workflow: string }>[] = [];
    for (const workflow of uids) rows.push({ key: workflow, payload: { workflow }, progress: await progressOf(workflow) });
    return rows;
  };
}

const byBytes = (left: string, right: string): number => (left < right ? -1 : left > right ? 1 : 0);
