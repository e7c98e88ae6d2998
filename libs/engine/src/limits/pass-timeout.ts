import { NodePhase } from '#libs/workflow-spec';
import type { ChangedChild, Pass } from '../pass.js';
import { setPhase } from '../phase/transitions.js';
import { deletePod } from '../pods/pod-gc.js';
import type { TreeNode } from '../state/tree-node.js';

/** What Argo writes where a node is still Pending when its time is over; a pod that runs ends with the runtime's own words. */
const TIMEOUT_MESSAGE = 'timeout';

/**
 * The time of a node is over: still Pending it fails, and its pod will not be made. Argo ends the whole workflow at this point and leaves
 * what else is unfinished as it is; here the failure goes its usual way upwards.
 */
export const passTimeout = (pass: Pass, node: TreeNode): ChangedChild[] => {
  pass.state.change(node, () => {
    delete node.memory.wakeAtMs;
  });
  if (node.status.phase !== NodePhase.Pending) return [];
  setPhase(pass.state, node, { phase: NodePhase.Failed, message: TIMEOUT_MESSAGE, nowMs: pass.nowMs });
  deletePod(pass, node);
  return [{ node }];
};
