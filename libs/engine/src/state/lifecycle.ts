import { NodePhase, NodeType } from '#libs/workflow-spec';
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
  const deadlineMs = header.internal['deadlineMs'];
  if (typeof deadlineMs === 'number' && header.internal['deadlinePassed'] !== true) state.wakeups.set('', deadlineMs);
  lookAgain(state);
  for (const node of state.nodes.values()) {
    if (isSuspensionToFollow(node)) state.unfollowed.add(node);
  }
  state.deferred.set('', 'restored');
  state.committed();
  return state;
};

/** A suspension that succeeded shows its progress only when it is followed. */
const isSuspensionToFollow = ({ status }: TreeNode): boolean =>
  status.type === NodeType.Suspend &&
  status.phase === NodePhase.Succeeded &&
  status.progress !== completeProgress(status.progress);

/** Brings a cached state up to date with what another replica has committed since; the cheap form of restoring. */
export const refreshWorkflowState = (
  state: WorkflowState,
  { header, nodes, removedNodeIds }: { header?: WorkflowHeader; nodes: readonly NodeRow[]; removedNodeIds: readonly string[] },
): void => {
  if (header !== undefined) state.header = copyOf(header);
  for (const id of removedNodeIds) {
    const node = state.find(id);
    if (node !== undefined) state.remove(node);
  }
  state.load(nodes);
  lookAgain(
    state,
    nodes.map(({ id }) => state.get(id)),
  );
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
