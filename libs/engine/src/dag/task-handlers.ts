import { isCompleted, isFulfilled, NodePhase, NodeType } from '#libs/workflow-spec';
import { isExitHandlerDue, runExitHandler } from '../exit-handlers/exit-handler.js';
import { expressionHooks, runHooks } from '../hooks/lifecycle-hooks.js';
import { exitHookOf, type Pass } from '../pass.js';
import { setPhase } from '../phase/transitions.js';
import { taskScope } from '../scope/dag-scope.js';
import { mentionedNames } from '../scope/mentioned-names.js';
import { isOrderedType } from '../state/counters.js';
import type { TreeNode } from '../state/tree-node.js';
import { messageOf } from '../templates/error-message.js';
import { type Dag, taskNode } from './dag-in-hand.js';

/** Tasks whose exit handler or hook has to wait; for the exit handlers the DAG waits too. */
export const waitingHandlers = (pass: Pass, dag: Dag): Set<string> =>
  pass.state.derived.of(dag.node.id, 'handlers', () => new Set<string>());

/** Starts the exit handler of a task that has completed. */
export const runTaskExit = (pass: Pass, dag: Dag, node: TreeNode): void => {
  const task = dag.graph.tasks.get(node.memory.name ?? '');
  if (task === undefined || node.memory.role !== 'task' || !isCompleted(node.status)) return;
  const hook = exitHookOf(task, undefined);
  if (hook === undefined) return;
  const scope = taskScope(pass, dag.node, dag.graph, { name: task.name, mentioned: mentionedNames(JSON.stringify(hook)) });
  const prefix = `tasks.${task.name}`;
  runExitHandler(pass, { node, invocation: task, prefix, variables: scope.variables, owner: dag.node });
  if (isExitHandlerDue(pass, node, task)) waitingHandlers(pass, dag).add(task.name);
};

/** Whatever ends while the DAG is gone through lets its dependents go before its hooks fire; only ordered work and suspensions end before. */
export const isHookLast = (node: TreeNode): boolean =>
  isFulfilled(node.status) && !isOrderedType(node.status.type) && node.status.type !== NodeType.Suspend;

/** Fires the hooks of a task; an expression that cannot be evaluated is an error of the task. Before it runs only a target is asked. */
export const runTaskHooks = (pass: Pass, dag: Dag, node: TreeNode): void => {
  const task = dag.graph.tasks.get(node.memory.name ?? '');
  if (task === undefined || node.memory.role !== 'task' || expressionHooks(task.hooks).length === 0) return;
  if (node.status.phase === NodePhase.Pending && !dag.graph.targets.includes(task.name)) return;
  try {
    const scope = taskScope(pass, dag.node, dag.graph, {
      name: task.name,
      mentioned: mentionedNames(JSON.stringify(task.hooks)),
    });
    const place = { node, invocation: task, kind: 'tasks', variables: scope.variables, owner: dag.node } as const;
    if (runHooks(pass, place) === 'waits') waitingHandlers(pass, dag).add(task.name);
  } catch (error) {
    setPhase(pass.state, node, { phase: NodePhase.Error, message: messageOf(error), nowMs: pass.nowMs });
  }
};

export const isExitHandlerWaiting = (pass: Pass, dag: Dag): boolean =>
  [...waitingHandlers(pass, dag)].some((name) => {
    const node = taskNode(pass, dag, name);
    const task = dag.graph.tasks.get(name);
    return node !== undefined && task !== undefined && isExitHandlerDue(pass, node, task);
  });
