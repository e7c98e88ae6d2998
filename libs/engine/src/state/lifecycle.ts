import { AnnotationName, NodePhase, NodeType } from '#libs/workflow-spec';
import {
  ENGINE_LEVEL,
  type EngineConfig,
  type NodeRow,
  type StateSnapshot,
  type SubmittedWorkflow,
  type WorkflowHeader,
} from '../contract.js';
import { copyOf } from '../pass.js';
import { completeProgress } from './counters.js';
import { lookAgain } from './look-again.js';
import { rowFromTreeNode, type TreeNode } from './tree-node.js';
import { WorkflowState } from './workflow-state.js';

/** The state of a workflow that nobody has looked at yet. */
export const createWorkflowState = (config: EngineConfig, submitted: SubmittedWorkflow): WorkflowState =>
  new WorkflowState(config, submitted, { engineLevel: ENGINE_LEVEL, status: {}, labels: {}, annotations: {}, internal: {} });

/**
 * The state from stored rows, with all indices made anew: O(nodes). Every open container is looked at once by the next decision, because
 * what it was waiting for is not stored. From here on it belongs to engines of this level.
 */
export const restoreWorkflowState = (
  config: EngineConfig,
  submitted: SubmittedWorkflow,
  { header, nodes }: { header: WorkflowHeader; nodes: readonly NodeRow[] },
): WorkflowState => {
  const engineLevel = Math.max(header.engineLevel, ENGINE_LEVEL);
  const state = new WorkflowState(config, submitted, { ...copyOf(header), engineLevel });
  state.load(nodes);
  noteDeadline(state);
  lookAgain(state);
  followSuspensions(state, state.nodes.values());
  state.deferred.set('', 'restored');
  state.committed();
  return state;
};

const noteDeadline = ({ header, wakeups }: WorkflowState): void => {
  const { deadlineMs, deadlinePassed } = header.internal;
  wakeups.set('', typeof deadlineMs === 'number' && deadlinePassed !== true ? deadlineMs : undefined);
};

const specDigestOf = (header: WorkflowHeader): string | undefined => header.annotations[AnnotationName.specDigest];

const followSuspensions = (state: WorkflowState, nodes: Iterable<TreeNode>): void => {
  for (const node of nodes) if (isSuspensionToFollow(node)) state.unfollowed.add(node);
};

/** A suspension that succeeded shows its progress only when it is followed. */
const isSuspensionToFollow = ({ status }: TreeNode): boolean =>
  status.type === NodeType.Suspend &&
  status.phase === NodePhase.Succeeded &&
  status.progress !== completeProgress(status.progress);

/** These nodes and all that they are in. */
const withOwners = (state: WorkflowState, nodes: Iterable<TreeNode | undefined>): Set<TreeNode> => {
  const found = new Set<TreeNode>();
  for (const node of nodes) {
    for (let at = node; at !== undefined && !found.has(at); at = state.find(at.memory.owner)) found.add(at);
  }
  return found;
};

/**
 * Brings a cached state up to date with what another replica has committed since; the cheap form of restoring. Whatever is around a changed node is
 * looked at again: what the other has asked for in vain there, and what it has left over, is not in rows.
 */
export const refreshWorkflowState = (
  state: WorkflowState,
  { header, nodes, removedNodeIds }: { header?: WorkflowHeader; nodes: readonly NodeRow[]; removedNodeIds: readonly string[] },
): void => {
  if (header !== undefined) {
    const isEdited = specDigestOf(header) !== specDigestOf(state.header);
    state.header = copyOf(header);
    noteDeadline(state);
    if (isEdited) {
      state.derived.clear();
      lookAgain(state);
    }
  }
  const around = withOwners(
    state,
    removedNodeIds.map((id) => state.find(id)),
  );
  for (const id of removedNodeIds) {
    const node = state.find(id);
    if (node !== undefined) state.remove(node);
  }
  state.load(nodes);
  const changed = nodes.map(({ id }) => state.get(id));
  for (const node of withOwners(state, changed)) around.add(node);
  for (const { id } of around) state.derived.dropSums(id);
  lookAgain(
    state,
    [...around].flatMap(({ id }) => state.find(id) ?? []),
  );
  followSuspensions(state, changed);
  state.deferred.set('', 'restored');
  state.derived.drop('');
  state.committed();
};

/** The scheduler has stored everything that the last decisions gave; the next ones begin with no changes. */
export const markCommitted = (state: WorkflowState): void => state.committed();

/** The whole state as it is now; costs O(nodes), so only for the rare answers to requests. */
export const snapshotOf = (state: WorkflowState): StateSnapshot => ({
  header: copyOf(state.header),
  nodes: [...state.nodes.values()].map(rowFromTreeNode),
});

const BYTES_PER_NODE = 1500;
const BYTES_PER_DERIVED = 2500;

/** Roughly how many bytes the state holds, for a cache that is bounded in bytes. */
export const sizeOf = (state: WorkflowState): number =>
  20_000 + state.nodes.size * BYTES_PER_NODE + state.derived.size * BYTES_PER_DERIVED;
