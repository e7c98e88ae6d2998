import { isFailedOrErrorPhase, isFulfilled, NodePhase } from '#libs/workflow-spec';
import { expand, type Member, type Members } from '../loops/expand.js';
import { exitHookOf, isBudgetSpent, type ChangedChild, type Pass, type StartRequest } from '../pass.js';
import { setPhase } from '../phase/transitions.js';
import type { TreeNode } from '../state/tree-node.js';
import { MissingFact } from '../templates/inputs.js';
import { scopeInside } from '../templates/process-template.js';
import { startChild } from '../templates/start-child.js';
import { isItemExitDue, noteItemEnd, runItemExits } from './item-exits.js';
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

const requestOf = (pass: Pass, group: TreeNode, member: Member, at: number): StartRequest => {
  const dag = pass.state.get(group.memory.owner);
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
  const member = loop.members.at(at);
  const request = requestOf(pass, group, member, at);
  if (pass.state.byName(request.nodeName) !== undefined) return 'started';
  const start = startChild(pass, { owner: group, when: member.invocation.when, request });
  if (start.type === 'errored') markTaskError(pass, start.node, start.error);
  return start.type === 'waits' ? 'waits' : 'started';
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
    const item = pass.state.lastOwned(group.id, (node) => node.memory.role === 'item');
    if (item !== undefined && isFulfilled(item.status)) {
      noteItemEnd(pass, group, loop, item);
      if (!runItemExits(pass, group, loop)) return 'waits';
    }
  }
  return 'started';
};

/**
 * Whether every member has ended and nothing of them is waited for. With the DAG's failFast a loop does not wait for the exit handlers of
 * its members once they have begun (Argo completes such a group while it assesses the DAG).
 */
const isOver = (pass: Pass, group: TreeNode, loop: PreparedLoop): boolean => {
  const { state } = pass;
  const isEveryItemFulfilled = (): boolean =>
    state.counters.open(group.id) === 0 ||
    state.ownedBy(group.id).every((node) => node.memory.role !== 'item' || isFulfilled(node.status));
  if (exitHookOf(loop.task, undefined) !== undefined && isFailFastDag(pass, state.get(group.memory.owner)))
    return isEveryItemFulfilled();
  return state.counters.open(group.id) === 0 && !isItemExitDue(pass, group, loop);
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
  if (changed !== undefined) noteItemEnd(pass, group, loop, changed.node);
  if (!runItemExits(pass, group, loop) || startItems(pass, group, loop) === 'waits' || !isOver(pass, group, loop)) return;
  const failed = state
    .ownedBy(group.id)
    .findLast((node) => node.memory.role === 'item' && isFailedOrErrorPhase(node.status.phase));
  setPhase(state, group, { phase: failed?.status.phase ?? NodePhase.Succeeded, nowMs });
};
