import { isFulfilled, NodeType } from '#libs/workflow-spec';
import type { Pass } from '../pass.js';
import { ancestorsOf, assertJoinable } from '../scope/dag-scope.js';
import type { TreeNode } from '../state/tree-node.js';
import { messageOf } from '../templates/error-message.js';
import type { Dag } from './dag-in-hand.js';

/** Loop tasks whose results cannot be joined, with the reason; whatever comes after them cannot be given its variables. */
export const brokenLoops = (pass: Pass, dag: Dag): Map<string, string> =>
  pass.state.derived.of(dag.node.id, 'brokenLoops', () => {
    const broken = new Map<string, string>();
    for (const node of pass.state.ownedBy(dag.node.id)) noteBrokenLoop(pass, node, broken);
    return broken;
  });

export const noteBrokenLoop = (pass: Pass, node: TreeNode, broken: Map<string, string>): void => {
  if (node.status.type !== NodeType.TaskGroup || !isFulfilled(node.status)) return;
  try {
    assertJoinable(pass, node);
  } catch (error) {
    broken.set(node.memory.name ?? '', messageOf(error));
  }
};

export const brokenAncestor = (pass: Pass, dag: Dag, task: string): string | undefined => {
  const broken = brokenLoops(pass, dag);
  if (broken.size === 0) return undefined;
  return [...ancestorsOf(dag.graph, task)].map((name) => broken.get(name)).find((reason) => reason !== undefined);
};

/** A target whose variables cannot be gathered is an error of the whole DAG. */
export const targetError = (pass: Pass, dag: Dag, name: string): string | undefined =>
  brokenLoops(pass, dag).size > 0 && dag.graph.targets.includes(name) ? brokenAncestor(pass, dag, name) : undefined;
