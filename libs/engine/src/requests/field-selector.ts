import { nodeMatcher } from '#libs/workflow-spec';
import type { TreeNode } from '../state/tree-node.js';

/** A test for nodes from a Kubernetes field selector over Argo's node fields. Throws UserError where it cannot be read. */
export const nodeSelector = (selector: string): ((node: TreeNode) => boolean) => {
  const matches = nodeMatcher(selector);
  return ({ id, status }) => matches({ ...status, id });
};
