import { isCompleted, isFailedOrErrorPhase, isFulfilled, NodePhase, NodeType } from '#libs/workflow-spec';
import { runExitHandler } from '../exit-handlers/exit-handler.js';
import { expand, type Members } from '../loops/expand.js';
import { createNode } from '../node-tree/create-node.js';
import { exitHookOf, isBudgetSpent, type ChangedChild, type Pass, type StartRequest } from '../pass.js';
import { setPhase } from '../phase/transitions.js';
import { isWanted } from '../scope/when.js';
import type { TreeNode } from '../state/tree-node.js';
import { messageOf } from '../templates/error-message.js';
import { MissingFact } from '../templates/inputs.js';
import { scopeInside } from '../templates/process-template.js';
import { isFailFastDag, resolveTask, type ResolvedTask } from './resolve-task.js';

interface PreparedLoop extends ResolvedTask {
  members: Members;
}

const prepare = (pass: Pass, group: TreeNode): PreparedLoop => {
  const dag = pass.state.get(group.memory.owner);
  const resolved = resolveTask(pass, dag, group.memory.name ?? '');
  return { ...resolved, members: expand(resolved.task, resolved.scope.variables, pass.nowMs) };
};

/** The loop of a TaskGroup, made when it is first needed. */
export const preparedLoop = (pass: Pass, group: TreeNode): PreparedLoop =>
  pass.state.derived.of(group.id, 'loop', () => prepare(pass, group));

const requestOf = (pass: Pass, group: TreeNode, loop: PreparedLoop, at: number): StartRequest => {
  const dag = pass.state.get(group.memory.owner);
  const member = loop.members.at(at);
  return {
    nodeName: `${dag.status.name}.${member.nodeName}`,
    invocation: member.invocation,
    scope: scopeInside(dag),
    boundaryId: dag.id,
    parents: [group.id],
    kind: 'task',
    memory: {
      owner: group.id,
      role: 'item',
      name: group.memory.name ?? '',
      index: at,
      ...(group.memory.onExit === true ? { onExit: true } : {}),
    },
  };
};

const startItem = (pass: Pass, group: TreeNode, loop: PreparedLoop, at: number): 'started' | 'waits' => {
  const request = requestOf(pass, group, loop, at);
  if (pass.state.byName(request.nodeName) !== undefined) return 'started';
  const { when } = request.invocation as { when?: string };
  try {
    if (!isWanted(when)) {
      createNode(pass, request, {
        type: NodeType.Skipped,
        phase: NodePhase.Skipped,
        message: `when '${when ?? ''}' evaluated false`,
      });
      return 'started';
    }
  } catch (error) {
    createNode(pass, request, { type: NodeType.Skipped, phase: NodePhase.Error, message: messageOf(error) });
    return 'started';
  }
  const result = pass.operations.start(pass, request);
  if (result.type === 'refused') {
    if (result.why === 'slot') pass.state.waitingForSlot.add(group.id);
    else pass.state.deferred.set(group.id, result.why);
    return 'waits';
  }
  if (result.error !== undefined) markTaskError(pass, result.node, result.error);
  return 'started';
};

/** An error that came up from a task is shown at the task (Argo's executeDAGTask). */
export const markTaskError = (pass: Pass, node: TreeNode, error: string): void =>
  setPhase(pass.state, node, {
    phase: NodePhase.Error,
    message: `task '${node.status.name}' errored: ${error}`,
    nowMs: pass.nowMs,
  });

const startItems = (pass: Pass, group: TreeNode, loop: PreparedLoop): 'started' | 'waits' => {
  for (let at = group.memory.cursor ?? 0; at < loop.members.count; at += 1) {
    if (isBudgetSpent(pass)) {
      pass.state.deferred.set(group.id, 'budget');
      return 'waits';
    }
    if (startItem(pass, group, loop, at) === 'waits') return 'waits';
    pass.state.change(group, () => {
      group.memory.cursor = at + 1;
    });
  }
  return 'started';
};

const isExitHandlerOpen = (pass: Pass, group: TreeNode): boolean =>
  pass.state.ownedBy(group.id).some((node) => node.memory.role === 'exit' && !isFulfilled(node.status));

/** Starts the exit handler of a member. That of a failed pod does not start beside another one; Argo drops it then. */
const runItemExit = (pass: Pass, group: TreeNode, loop: PreparedLoop, item: TreeNode): void => {
  if (exitHookOf(loop.task, undefined) === undefined || item.memory.role !== 'item' || !isCompleted(item.status)) return;
  const isFailedPod = item.status.type === NodeType.Pod && isFailedOrErrorPhase(item.status.phase);
  if (isFailedPod && isExitHandlerOpen(pass, group)) return;
  runExitHandler(pass, {
    node: item,
    invocation: loop.task,
    prefix: `tasks.${loop.task.name}`,
    variables: loop.scope.variables,
    owner: group,
  });
};

const isExitHandlerMissing = (pass: Pass, group: TreeNode, loop: PreparedLoop): boolean => {
  if (exitHookOf(loop.task, undefined) === undefined) return false;
  for (const item of pass.state.ownedBy(group.id)) runItemExit(pass, group, loop, item);
  return pass.state.counters.open(group.id) > 0 || pass.state.waitingForSlot.has(group.id) || pass.state.deferred.has(group.id);
};

/** Goes on with the members of a loop task; when all have ended the group takes the phase of the last that failed, or Succeeded. */
export const advanceTaskGroup = (pass: Pass, group: TreeNode, changed?: ChangedChild): void => {
  const { state, nowMs } = pass;
  if (isFulfilled(group.status)) return;
  let loop: PreparedLoop;
  try {
    loop = preparedLoop(pass, group);
  } catch (error) {
    if (!(error instanceof MissingFact)) throw error;
    state.deferred.set(group.id, 'fact');
    return;
  }
  if (changed?.error !== undefined) markTaskError(pass, changed.node, changed.error);
  if (changed !== undefined) runItemExit(pass, group, loop, changed.node);
  if (startItems(pass, group, loop) === 'waits') return;
  if (!isAheadOfExitHandlers(pass, group, loop) && (state.counters.open(group.id) > 0 || isExitHandlerMissing(pass, group, loop)))
    return;
  const failed = state
    .ownedBy(group.id)
    .findLast((node) => node.memory.role === 'item' && isFailedOrErrorPhase(node.status.phase));
  setPhase(state, group, { phase: failed?.status.phase ?? NodePhase.Succeeded, nowMs });
};

/** With the DAG's failFast a loop does not wait for the exit handlers of its members (Argo completes such a group while it assesses the DAG). */
const isAheadOfExitHandlers = (pass: Pass, group: TreeNode, loop: PreparedLoop): boolean => {
  const { state } = pass;
  if (exitHookOf(loop.task, undefined) === undefined || !isFailFastDag(pass, state.get(group.memory.owner))) return false;
  const items = state.ownedBy(group.id).filter((node) => node.memory.role === 'item');
  if (!items.every((item) => isFulfilled(item.status))) return false;
  for (const item of items) runItemExit(pass, group, loop, item);
  return true;
};
