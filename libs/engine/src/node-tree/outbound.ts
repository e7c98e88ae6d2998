import { NodeType } from '#libs/workflow-spec';
import { lastContainers } from '../container-set/container-nodes.js';
import { isShownAsGroup } from './shown-group.js';
import type { TreeNode } from '../state/tree-node.js';
import type { WorkflowState } from '../state/workflow-state.js';

/** The nodes to which what comes after this one is attached (Argo's getOutboundNodes). */
export const outboundNodes = (state: WorkflowState, node: TreeNode): string[] => {
  switch (isShownAsGroup(node.memory) ? NodeType.TaskGroup : node.status.type) {
    case NodeType.TaskGroup:
      return node.children.length === 0 ? [node.id] : state.children(node).flatMap((child) => outboundNodes(state, child));
    case NodeType.Retry: {
      const last = node.children.at(-1);
      return last === undefined ? [] : [last];
    }
    case NodeType.Steps:
    case NodeType.DAG:
    case NodeType.StepGroup:
      if (node.status.memoizationStatus?.hit === true) return [node.id];
      return (node.status.outboundNodes ?? []).flatMap((id) => outboundNodes(state, state.get(id)));
    case NodeType.Pod: {
      const last = lastContainers(state, node);
      return last.length === 0 ? [node.id] : last.map(({ id }) => id);
    }
    default:
      return [node.id];
  }
};
