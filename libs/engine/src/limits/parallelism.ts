import { NodePhase, NodeType, templateTypeOf } from '#libs/workflow-spec';
import type { Pass } from '../pass.js';
import { setPhase } from '../phase/transitions.js';
import type { TreeNode } from '../state/tree-node.js';
import { templateOf } from '../templates/process-template.js';

const FAIL_FAST_MESSAGE = 'template has failed or errored children and failFast enabled';

/** The step group of the tree below this node that was made last. */
const leafStepGroup = (pass: Pass, boundary: TreeNode): TreeNode | undefined =>
  pass.state.lastOwned(boundary.id, (node) => node.status.type === NodeType.StepGroup);

/**
 * Template-level `failFast`: once a child of the boundary has failed nothing new starts in it, and when its own pods have ended it fails
 * as a whole, whatever else is unfinished inside (Argo's checkParallelism). Returns whether the boundary is held.
 */
export const isHeldByFailFast = (pass: Pass, boundary: TreeNode): boolean => {
  const { state, nowMs } = pass;
  if (templateOf(pass, boundary).failFast !== true) return false;
  const count = state.counters.boundary(boundary.id);
  if (count.unsuccessful === 0) return false;
  if (count.activePods === 0) {
    const change = { phase: NodePhase.Failed, message: FAIL_FAST_MESSAGE, nowMs };
    if (templateTypeOf(templateOf(pass, boundary)) === 'steps') {
      const group = leafStepGroup(pass, boundary);
      if (group !== undefined) setPhase(state, group, change);
    }
    setPhase(state, boundary, change);
  }
  return true;
};

const isLimited = (active: number, limit: number | undefined | null): boolean => typeof limit === 'number' && active >= limit;

/** Whether a new node inside this boundary has to wait: for a slot of the workflow or of the template, or for good by failFast. */
export const hasNoSlot = (pass: Pass, boundaryId: string | undefined): boolean => {
  const { state } = pass;
  if (isLimited(state.counters.activePods, state.spec.parallelism)) return true;
  const boundary = state.find(boundaryId);
  if (boundary === undefined) return false;
  if (isHeldByFailFast(pass, boundary)) return true;
  return isLimited(state.counters.boundary(boundary.id).activeChildren, templateOf(pass, boundary).parallelism);
};
