import type { NodeRow } from '../contract.js';
import type { NodeMemory } from './node-memory.js';

/** A node in memory: the row's fields with typed memory, and its children in the order in which they came. */
export interface TreeNode {
  readonly id: string;
  readonly ordinal: number;
  readonly parents: string[];
  readonly children: string[];
  status: NodeRow['status'];
  memory: NodeMemory;
}

/** The node of a row; its children are filled by the tree. */
export const treeNodeFromRow = (row: NodeRow): TreeNode => ({
  id: row.id,
  ordinal: row.ordinal,
  parents: [...row.parents],
  children: [],
  status: { ...row.status },
  memory: { ...(row.internal as unknown as NodeMemory) },
});

/** A copy that later changes of the node do not reach. */
export const rowFromTreeNode = (node: TreeNode): NodeRow => ({
  id: node.id,
  parents: [...node.parents],
  ordinal: node.ordinal,
  status: { ...node.status },
  internal: Object.fromEntries(Object.entries(node.memory).filter(([, value]) => value !== undefined)) as NonNullable<
    NodeRow['internal']
  >,
});
