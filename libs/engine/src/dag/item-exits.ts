import { isCompleted, isFailedOrErrorPhase, isFulfilled, NodeType, type DAGTask } from '#libs/workflow-spec';
import type { Scope } from '#libs/expressions';
import { isExitHandlerDue, runExitHandler } from '../exit-handlers/exit-handler.js';
import { exitHookOf, type Pass } from '../pass.js';
import type { TreeNode } from '../state/tree-node.js';

/** A loop task with what its exit handlers may refer to. */
interface LoopWithExits {
  task: DAGTask;
  scope: { variables: Scope };
}

/** Members whose exit handler is to run and has not been started, by position. */
const dueExits = (pass: Pass, group: TreeNode, { task }: LoopWithExits): Map<string, TreeNode> =>
  pass.state.derived.of(
    group.id,
    'dueExits',
    () =>
      new Map(
        pass.state
          .ownedBy(group.id)
          .filter((node) => node.memory.role === 'item' && isExitHandlerDue(pass, node, task))
          .map((node) => [node.id, node]),
      ),
  );

/** Notes that a member has ended: its exit handler is due then. */
export const noteItemEnd = (pass: Pass, group: TreeNode, loop: LoopWithExits, item: TreeNode): void => {
  if (exitHookOf(loop.task, undefined) === undefined || item.memory.role !== 'item' || !isCompleted(item.status)) return;
  if (isExitHandlerDue(pass, item, loop.task)) dueExits(pass, group, loop).set(item.id, item);
};

const isExitHandlerOpen = (pass: Pass, group: TreeNode): boolean =>
  pass.state.ownedBy(group.id).some((node) => node.memory.role === 'exit' && !isFulfilled(node.status));

const isFailedPod = ({ status }: TreeNode): boolean => status.type === NodeType.Pod && isFailedOrErrorPhase(status.phase);

/**
 * Starts the exit handlers that are due, by position. That of a failed pod does not start beside another one; where the loop ends before it
 * has its turn it is dropped, as in Argo. Gives false where one has to wait for a slot or the rest of this decision.
 */
export const runItemExits = (pass: Pass, group: TreeNode, loop: LoopWithExits): boolean => {
  if (exitHookOf(loop.task, undefined) === undefined) return true;
  const due = dueExits(pass, group, loop);
  for (const item of [...due.values()].sort((left, right) => (left.memory.index ?? 0) - (right.memory.index ?? 0))) {
    if (isFailedPod(item) && isExitHandlerOpen(pass, group)) continue;
    runExitHandler(pass, {
      node: item,
      invocation: loop.task,
      prefix: `tasks.${loop.task.name}`,
      variables: loop.scope.variables,
      owner: group,
    });
    if (isExitHandlerDue(pass, item, loop.task)) return false;
    due.delete(item.id);
  }
  return true;
};

/** Whether a member's exit handler still has to have its turn. */
export const isItemExitDue = (pass: Pass, group: TreeNode, loop: LoopWithExits): boolean =>
  exitHookOf(loop.task, undefined) !== undefined && dueExits(pass, group, loop).size > 0;
