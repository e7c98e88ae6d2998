import { isCompleted, isFailedOrErrorPhase, isFulfilled, NodePhase, NodeType } from '#libs/workflow-spec';
import { isShownAsGroup } from '../node-tree/shown-group.js';
import { continuesOn } from '../phase/continue-on.js';
import type { TreeNode } from '../state/tree-node.js';
import type { WorkflowState } from '../state/workflow-state.js';
import type { TaskGraph } from './task-graph.js';

/**
 * Children through which the walk goes on below a Retry: what hangs on its attempts, its hooks, and tasks that were attached to an exit
 * handler with attempts of its own (Argo loses those, and waits for ever).
 */
const belowRetry = (state: WorkflowState, node: TreeNode): string[] =>
  state.children(node).flatMap((child) => (child.memory.role === 'attempt' ? child.children : [child.id]));

/** Left unfinished inside something that failFast ended; Argo waits for such a node for ever. */
const isAbandoned = (state: WorkflowState, node: TreeNode, dag: TreeNode): boolean => {
  for (let at = state.find(node.memory.owner); at !== undefined && at.id !== dag.id; at = state.find(at.memory.owner)) {
    if (isFulfilled(at.status) && at.status.type !== NodeType.TaskGroup) return true;
  }
  return false;
};

/** The last phase that a branch came to before each target; undefined where something on the way is unfinished. */
const branchPhases = (state: WorkflowState, dag: TreeNode, targets: ReadonlySet<string>): Map<string, NodePhase> | undefined => {
  const phases = new Map<string, NodePhase>();
  const seen = new Set<string>();
  const queue: [string, NodePhase][] = [];
  const add = (ids: readonly string[], phase: NodePhase): void => {
    for (const id of ids) {
      const key = `${id} ${phase}`;
      if (seen.has(key)) continue;
      seen.add(key);
      queue.push([id, phase]);
    }
  };
  add(dag.children, NodePhase.Succeeded);
  for (let at = 0; at < queue.length; at += 1) {
    const [id, inherited] = queue[at] ?? ['', NodePhase.Succeeded];
    const node = state.get(id);
    if (!isFulfilled(node.status)) {
      if (!isAbandoned(state, node, dag)) return undefined;
      continue;
    }
    const phase = isCompleted(node.status) ? (node.status.phase ?? inherited) : inherited;
    if (targets.has(id) && !isFailedOrErrorPhase(phases.get(id))) phases.set(id, phase);
    add(node.status.type === NodeType.Retry && !isShownAsGroup(node.memory) ? belowRetry(state, node) : node.children, phase);
  }
  return phases;
};

/**
 * The phase of a target that the walk did not find, because something before it hangs on what ended in nothing; Argo waits for it for ever.
 */
const danglingPhase = (target: TreeNode | undefined): NodePhase | undefined => {
  if (target === undefined || !isFulfilled(target.status)) return undefined;
  return isCompleted(target.status) ? target.status.phase : NodePhase.Succeeded;
};

/**
 * What a DAG has come to: Running while anything below it is unfinished or a target has no phase yet; skipped and omitted targets inherit
 * the last phase of their branch; with failFast the first failed target decides (Argo's assessDAGPhase).
 */
export const assessDagPhase = (state: WorkflowState, dag: TreeNode, graph: TaskGraph, isFailFast: boolean): NodePhase => {
  const idOf = (task: string): string => state.idFor(`${dag.status.name}.${task}`);
  const phases = branchPhases(state, dag, new Set(graph.targets.map(idOf)));
  if (phases === undefined) return NodePhase.Running;
  let result: NodePhase = NodePhase.Succeeded;
  for (const target of graph.targets) {
    const phase = phases.get(idOf(target)) ?? danglingPhase(state.find(idOf(target)));
    if (phase === undefined) {
      result = NodePhase.Running;
      if (!isFailFast) break;
    } else if (isFailedOrErrorPhase(phase) && !continuesOn(graph.tasks.get(target), phase)) {
      result = phase;
      if (isFailFast) break;
    }
  }
  return result;
};
