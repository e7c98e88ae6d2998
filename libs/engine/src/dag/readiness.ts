import { evaluateDepends, type TaskResults } from '#libs/expressions';
import { isDaemoned, NodePhase, NodeType } from '#libs/workflow-spec';
import type { Pass } from '../pass.js';
import type { TreeNode } from '../state/tree-node.js';
import { type Dag, taskNode } from './dag-in-hand.js';
import { isSettled } from './settled.js';

const resultsOf = (pass: Pass, node: TreeNode): TaskResults => {
  const { phase } = node.status;
  const items = node.status.type === NodeType.TaskGroup ? pass.state.children(node) : [];
  return {
    Succeeded: phase === NodePhase.Succeeded,
    Failed: phase === NodePhase.Failed,
    Errored: phase === NodePhase.Error,
    Skipped: phase === NodePhase.Skipped,
    Omitted: phase === NodePhase.Omitted,
    Daemoned: isDaemoned(node.status),
    AnySucceeded: items.some((item) => item.status.phase === NodePhase.Succeeded),
    AllFailed: items.length > 0 && items.every((item) => item.status.phase === NodePhase.Failed),
  };
};

/** How many dependencies of each task are known to be settled, counted from the first, so that a task with many is not gone through at each of their ends. */
const settledCounts = (pass: Pass, dag: Dag): Map<string, number> =>
  pass.state.derived.of(dag.node.id, 'settled', () => new Map<string, number>());

const isEveryDependencySettled = (pass: Pass, dag: Dag, name: string): boolean => {
  const counts = settledCounts(pass, dag);
  const dependencies = dag.graph.dependencies(name);
  let count = counts.get(name) ?? 0;
  const isDependencySettled = (dependency: string): boolean => {
    const node = taskNode(pass, dag, dependency);
    return node !== undefined && isSettled(pass, dag, node);
  };
  while (count < dependencies.length && isDependencySettled(dependencies[count] ?? '')) count += 1;
  counts.set(name, count);
  return count === dependencies.length && dependencies.every(isDependencySettled);
};

/** Whether the dependencies let the task run; undefined while one of them has not ended. */
export const readiness = (pass: Pass, dag: Dag, name: string): boolean | undefined => {
  const condition = dag.graph.condition(name);
  if (condition === undefined) return true;
  if (!isEveryDependencySettled(pass, dag, name)) return undefined;
  return evaluateDepends(condition, (task) => {
    const node = taskNode(pass, dag, task);
    return node === undefined ? {} : resultsOf(pass, node);
  });
};
