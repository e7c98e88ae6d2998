import type { Pass } from '../pass.js';
import type { TreeNode } from '../state/tree-node.js';
import type { TaskGraph } from './task-graph.js';

/** One DAG in hand. */
export interface Dag {
  node: TreeNode;
  graph: TaskGraph;
}

export const taskNode = (pass: Pass, dag: Dag, task: string): TreeNode | undefined =>
  pass.state.byName(`${dag.node.status.name}.${task}`);
