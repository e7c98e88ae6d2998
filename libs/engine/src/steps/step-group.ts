import { isCompleted, isFailedOrError, isFulfilled, NodePhase, NodeType, type TemplateInvocation } from '#libs/workflow-spec';
import { runExitHandler } from '../exit-handlers/exit-handler.js';
import { expressionHooks, runHooks } from '../hooks/lifecycle-hooks.js';
import { expand, isLoop, type Member, type Members } from '../loops/expand.js';
import { resolveInvocation } from '../loops/resolve-invocation.js';
import { createNode } from '../node-tree/create-node.js';
import { exitHookOf, isBudgetSpent, type ChangedChild, type Pass, type StartRequest } from '../pass.js';
import { setPhase } from '../phase/transitions.js';
import { continuesOn } from '../phase/continue-on.js';
import { mentionedNames } from '../scope/mentioned-names.js';
import { stepsScope, type TemplateScope } from '../scope/steps-scope.js';
import type { TreeNode } from '../state/tree-node.js';
import { messageOf } from '../templates/error-message.js';
import { MissingFact } from '../templates/inputs.js';
import { scopeInside, templateOf } from '../templates/process-template.js';
import { startChild } from '../templates/start-child.js';

/** The steps of a group after their references have been resolved, and all members of their loops in a row. */
interface PreparedGroup {
  steps: TemplateInvocation[];
  scope: TemplateScope;
  members: Members;
}

const concatenated = (parts: readonly Members[]): Members => ({
  count: parts.reduce((sum, part) => sum + part.count, 0),
  at: (index) => {
    let rest = index;
    for (const part of parts) {
      if (rest < part.count) return part.at(rest);
      rest -= part.count;
    }
    throw new RangeError(`no member ${index}`);
  },
});

/** An empty loop is shown by one Skipped node. */
const EMPTY_LOOP = 'Skipped, empty params';

const membersOf = (pass: Pass, step: TemplateInvocation, scope: TemplateScope): Members => {
  if (!isLoop(step)) return { count: 1, at: () => ({ invocation: step, nodeName: step.name }) };
  const members = expand(step, scope.variables, pass.nowMs);
  return members.count > 0 ? members : { count: 1, at: () => ({ invocation: step, nodeName: step.name, index: -1 }) };
};

const prepare = (pass: Pass, group: TreeNode): PreparedGroup => {
  const { state } = pass;
  const stepsNode = state.get(group.memory.owner);
  const index = group.memory.index ?? 0;
  const written = templateOf(pass, stepsNode).steps?.[index] ?? [];
  const scope = stepsScope(pass, stepsNode, index, mentionedNames(JSON.stringify(written)));
  const resolved = written.map((step) => {
    try {
      return resolveInvocation(step, scope, pass.nowMs);
    } catch (error) {
      throw withPrefix('failed to resolve references', error);
    }
  });
  return { steps: resolved, scope, members: concatenated(resolved.map((step) => membersOf(pass, step, scope))) };
};

const withPrefix = (prefix: string, error: unknown): Error => new GroupError(`${prefix}: ${messageOf(error)}`);
class GroupError extends Error {}
const groupMessage = (error: unknown): string => (error instanceof GroupError ? error.message : messageOf(error));

const preparedGroup = (pass: Pass, group: TreeNode): PreparedGroup =>
  pass.state.derived.of(group.id, 'members', () => prepare(pass, group));

const requestOf = (pass: Pass, group: TreeNode, member: Member): StartRequest => {
  const stepsNode = pass.state.get(group.memory.owner);
  const isItem = member.index !== undefined && member.index >= 0;
  const name = isItem ? member.nodeName.slice(0, member.nodeName.lastIndexOf(`(${member.index}:`)) : member.nodeName;
  return {
    nodeName: `${group.status.name}.${member.nodeName}`,
    invocation: member.invocation,
    scope: scopeInside(stepsNode),
    boundaryId: stepsNode.id,
    parents: [group.id],
    kind: 'step',
    memory: {
      owner: group.id,
      role: isItem ? 'item' : 'step',
      name,
      ...(isItem ? { index: member.index } : {}),
      ...(group.memory.onExit === true ? { onExit: true } : {}),
    },
  };
};

type MemberStart = 'started' | 'waits' | 'failed';

const fail = (pass: Pass, group: TreeNode, message: string): 'failed' => {
  setPhase(pass.state, group, { phase: NodePhase.Error, message, nowMs: pass.nowMs });
  return 'failed';
};

const failByChild = (pass: Pass, group: TreeNode, childName: string, error: string): 'failed' =>
  fail(pass, group, `step group deemed errored due to child ${childName} error: ${error}`);

const startMember = (pass: Pass, group: TreeNode, member: Member): MemberStart => {
  const request = requestOf(pass, group, member);
  if (pass.state.byName(request.nodeName) !== undefined) return 'started';
  if (member.index === -1) {
    createNode(pass, request, { type: NodeType.Skipped, phase: NodePhase.Skipped, message: EMPTY_LOOP });
    return 'started';
  }
  const start = startChild(pass, { owner: group, when: member.invocation.when, request });
  if (start.type === 'undecided') return fail(pass, group, start.error);
  return start.type === 'errored' ? failByChild(pass, group, start.node.status.name, start.error) : start.type;
};

/** Starts the members that have not been started, in order, until one has to wait or fails the group. */
const startMembers = (pass: Pass, group: TreeNode, members: Members): MemberStart => {
  for (let at = group.memory.cursor ?? 0; at < members.count; at += 1) {
    if (isBudgetSpent(pass)) {
      pass.state.deferred.set(group.id, 'budget');
      return 'waits';
    }
    const started = startMember(pass, group, members.at(at));
    if (started === 'waits') return 'waits';
    pass.state.change(group, () => {
      group.memory.cursor = at + 1;
    });
    if (started === 'failed') return 'failed';
    if (isBudgetSpent(pass)) {
      pass.state.deferred.set(group.id, 'budget');
      return 'waits';
    }
  }
  return 'started';
};

const stepOf = (prepared: PreparedGroup, child: TreeNode): TemplateInvocation | undefined =>
  prepared.steps.find((step) => step.name === child.memory.name);

const hasHooks = (prepared: PreparedGroup): boolean =>
  prepared.steps.some((step) => exitHookOf(step, undefined) !== undefined || expressionHooks(step.hooks).length > 0);

/** Whether a hook or exit handler that should run could not be started yet. */
const isHookMissing = (pass: Pass, group: TreeNode, prepared: PreparedGroup): boolean => {
  if (!hasHooks(prepared)) return false;
  pass.state.waitingForSlot.delete(group.id);
  for (const child of pass.state.ownedBy(group.id)) {
    runHooksOf(pass, group, child);
    if (pass.state.deferred.has(group.id)) return true;
  }
  return pass.state.counters.open(group.id) > 0 || pass.state.waitingForSlot.has(group.id) || pass.state.deferred.has(group.id);
};

const NO_SLOT = 'Max parallelism reached';

/**
 * A hook found no free slot: from the next look at it the group is an error. In the pass in which the group was made only its message says so,
 * and its hooks are done with.
 */
const giveUpHooks = (pass: Pass, group: TreeNode): void => {
  const isFirstPass = group.memory.hooksLooked !== true;
  if (isFirstPass)
    setPhase(pass.state, group, { phase: group.status.phase ?? NodePhase.Running, message: NO_SLOT, nowMs: pass.nowMs });
  pass.state.change(group, () => {
    group.memory.hooksEnd = isFirstPass ? 'given up' : 'error';
  });
};

/** Ends a group that is doomed, with whatever is open in it. */
export const failByHook = (pass: Pass, group: TreeNode): void => void fail(pass, group, NO_SLOT);

/** The group is an error because of its hooks, and has only not been looked at since. */
export const isDoomed = (group: TreeNode): boolean => group.memory.hooksEnd === 'error' && !isFulfilled(group.status);

/** Fires the hooks of a step, and starts its exit handler once it has completed. */
const runHooksOf = (pass: Pass, group: TreeNode, child: TreeNode): void => {
  if (child.memory.role !== 'step' && child.memory.role !== 'item') return;
  if (child.status.phase === NodePhase.Skipped) return;
  const prepared = preparedGroup(pass, group);
  const step = stepOf(prepared, child);
  if (step === undefined) return;
  if (group.memory.hooksEnd === undefined) {
    const place = { node: child, invocation: step, kind: 'steps', variables: prepared.scope.variables, owner: group } as const;
    if (runHooks(pass, place) === 'hasNoSlot') giveUpHooks(pass, group);
  }
  if (!isCompleted(child.status)) return;
  runExitHandler(pass, {
    node: child,
    invocation: step,
    prefix: `steps.${step.name}`,
    variables: prepared.scope.variables,
    owner: group,
  });
};

/** Every member has ended: the first that failed without `continueOn` decides. */
const conclude = (pass: Pass, group: TreeNode, prepared: PreparedGroup): void => {
  const { state, nowMs } = pass;
  const failed = state
    .children(group)
    .find((child) => isFailedOrError(child.status) && !continuesOn(stepOf(prepared, child), child.status.phase));
  if (failed === undefined) setPhase(state, group, { phase: NodePhase.Succeeded, nowMs });
  else setPhase(state, group, { phase: NodePhase.Failed, message: `child '${failed.id}' failed`, nowMs });
};

/**
 * Goes on with a group of parallel steps: starts what has not been started, and ends the group when nothing is open (Argo's
 * executeStepGroup). An error of one child ends the group at once.
 */
export const advanceStepGroup = (pass: Pass, group: TreeNode, changed?: ChangedChild): void => {
  if (isFulfilled(group.status)) return;
  let prepared: PreparedGroup;
  try {
    prepared = preparedGroup(pass, group);
  } catch (error) {
    if (error instanceof MissingFact) pass.state.deferred.set(group.id, 'fact');
    else fail(pass, group, groupMessage(error));
    return;
  }
  if (changed?.error !== undefined) {
    failByChild(pass, group, changed.node.status.name, changed.error);
    return;
  }
  try {
    goOn(pass, group, prepared, changed);
  } catch (error) {
    fail(pass, group, groupMessage(error));
  }
};

/** Hooks and exit handlers of all members; what has not begun to run is not asked. */
const runAllHooks = (pass: Pass, group: TreeNode, prepared: PreparedGroup): void => {
  if (!hasHooks(prepared)) return;
  for (const child of pass.state.ownedBy(group.id)) {
    if (child.status.phase !== NodePhase.Pending) runHooksOf(pass, group, child);
    if (pass.state.deferred.has(group.id)) return;
  }
  if (group.memory.hooksLooked === true) return;
  pass.state.change(group, () => {
    group.memory.hooksLooked = true;
  });
};

const goOn = (pass: Pass, group: TreeNode, prepared: PreparedGroup, changed: ChangedChild | undefined): void => {
  if (isDoomed(group)) {
    if (pass.state.counters.open(group.id) === 0) failByHook(pass, group);
    return;
  }
  const isNew = (group.memory.cursor ?? 0) < prepared.members.count;
  const members = startMembers(pass, group, prepared.members);
  if (members === 'failed') return;
  if (!pass.state.deferred.has(group.id)) {
    if (isNew || changed === undefined || pass.state.resuming.delete(group.id)) runAllHooks(pass, group, prepared);
    else runHooksOf(pass, group, changed.node);
  }
  if (members !== 'started' || pass.state.deferred.has(group.id)) return;
  if (pass.state.counters.open(group.id) > 0 || isHookMissing(pass, group, prepared)) return;
  if (isDoomed(group)) failByHook(pass, group);
  else conclude(pass, group, prepared);
};
