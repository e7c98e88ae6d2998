import type { Decision } from '#libs/engine';
import type { CommitInput, InboxReading } from '#libs/store';
import { isFinishedWorkflowPhase } from '#libs/workflow-spec';

/** Whom a commit leaves work for, where that is not everybody: what artifact-gc has reported itself is no reason to ask it again. */
export const handoffsOf = (
  inbox: Pick<InboxReading, 'entries'>,
  { header }: Pick<Decision, 'header'>,
): Pick<CommitInput, 'handoffs'> => {
  const isGcReport = inbox.entries.length > 0 && inbox.entries.every(({ kind }) => kind === 'artifactGc');
  return isGcReport && isFinishedWorkflowPhase(header?.status.phase ?? '') ? { handoffs: ['record', 'archive'] } : {};
};
