import { NodeType } from '#libs/workflow-spec';
import type { TreeNode } from '../state/tree-node.js';

/** Whether the node holds others and is assessed when they change. */
export const isContainer = (node: TreeNode): boolean => CONTAINERS.has(node.status.type);
const CONTAINERS: ReadonlySet<string> = new Set([
  NodeType.Steps,
  NodeType.StepGroup,
  NodeType.DAG,
  NodeType.TaskGroup,
  NodeType.Retry,
]);
