import type { Decision, NodeRow } from '#libs/engine';
import type { HandoffQueue, InboxReading } from '#libs/store';
import { isFinishedWorkflowPhase } from '#libs/workflow-spec';

/** What a decision leaves behind, and of what it was made. */
export interface HandoffQuestion {
  inbox: Pick<InboxReading, 'entries'>;
  decision: Pick<Decision, 'header'>;
  /** The whole tree after the decision. */
  nodes: Iterable<Pick<NodeRow, 'status'>>;
}

/**
 * Whom the commit of an end leaves work for. What artifact-gc has reported itself is no reason to ask it again, and neither is a workflow that
 * has given no artifact.
 */
export const handoffsOf = ({ inbox, decision: { header }, nodes }: HandoffQuestion): HandoffQueue[] => {
  if (!isFinishedWorkflowPhase(header?.status.phase ?? '')) return [];
  const isGcReport = inbox.entries.length > 0 && inbox.entries.every(({ kind }) => kind === 'artifactGc');
  return !isGcReport && haveArtifacts(nodes) ? ['record', 'archive', 'artifact-gc'] : ['record', 'archive'];
};

const haveArtifacts = (nodes: HandoffQuestion['nodes']): boolean => {
  for (const { status } of nodes) if ((status.outputs?.artifacts?.length ?? 0) > 0) return true;
  return false;
};
