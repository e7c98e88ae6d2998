import { NodeType, type NodeStatus } from '#libs/workflow-spec';
import type { NodeRow } from '../contract.js';
import type { NodeMemory } from '../state/node-memory.js';

/** Whether a node is the one member of a loop whose list came out as empty text: it runs under the name of the loop, and shows itself as it. */
export const isShownAsGroup = (memory: Pick<NodeMemory, 'shownAsGroup'> | undefined): boolean => memory?.shownAsGroup === true;

/** The type under which a node is shown. */
export const shownType = ({ status, internal }: NodeRow): NodeType =>
  isShownAsGroup(internal) ? NodeType.TaskGroup : status.type;

/** The public status of a node as it is shown. */
export const shownStatus = (row: NodeRow): Omit<NodeStatus, 'children'> => {
  if (!isShownAsGroup(row.internal)) return row.status;
  const { inputs: _inputs, progress: _progress, ...status } = row.status;
  return { ...status, type: NodeType.TaskGroup };
};
