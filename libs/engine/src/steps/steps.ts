import { NodePhase, NodeType } from '#libs/workflow-spec';
import type { ChangedChild, Outcome, Pass } from '../pass.js';
import { setPhase } from '../phase/transitions.js';
import { outboundNodes } from '../node-tree/outbound.js';
import { exportGlobals } from '../outputs/global-outputs.js';
import { templateOutputs } from '../outputs/template-outputs.js';
import { mentionedNames } from '../scope/mentioned-names.js';
import { stepsScope } from '../scope/steps-scope.js';
import { isFulfilled, isFailedOrErrorPhase } from '#libs/workflow-spec';
import type { TreeNode } from '../state/tree-node.js';
import { messageOf } from '../templates/error-message.js';
import { scopeInside, templateOf } from '../templates/process-template.js';
import { advanceStepGroup } from './step-group.js';

/** What a group hangs on: the Steps node, or whatever the group before it ends in. */
const parentsOfGroup = (pass: Pass, node: TreeNode, previous: TreeNode | undefined): string[] => {
  if (previous === undefined) return [node.id];
  const children = pass.state.children(previous);
  return children.length === 0 ? [previous.id] : children.flatMap((child) => outboundNodes(pass.state, child));
};

const createGroup = (pass: Pass, node: TreeNode, previous: TreeNode | undefined): TreeNode => {
  const { state, nowMs } = pass;
  const index = previous === undefined ? 0 : (previous.memory.index ?? 0) + 1;
  const group = state.create({
    status: {
      name: `${node.status.name}[${index}]`,
      displayName: `[${index}]`,
      type: NodeType.StepGroup,
      templateScope: scopeInside(node),
      phase: NodePhase.Running,
      boundaryID: node.id,
      nodeFlag: {},
      startedAt: node.status.startedAt ?? null,
      finishedAt: null,
    },
    memory: {
      owner: node.id,
      role: 'group',
      index,
      cursor: 0,
      startedAtMs: nowMs,
      ...(node.memory.onExit === true ? { onExit: true } : {}),
    },
    parents: parentsOfGroup(pass, node, previous),
  });
  return group;
};

const setOutbound = (pass: Pass, node: TreeNode, last: TreeNode): void => {
  pass.state.change(node, () => {
    node.status.outboundNodes = pass.state.children(last).flatMap((child) => outboundNodes(pass.state, child));
  });
};

/** All groups have succeeded: the template's outputs decide. */
const finish = (pass: Pass, node: TreeNode, last: TreeNode | undefined): Outcome => {
  const { state, nowMs } = pass;
  const template = templateOf(pass, node);
  try {
    const names = mentionedNames(JSON.stringify(template.outputs ?? {}));
    const scope = stepsScope(pass, node, template.steps?.length ?? 0, names);
    if (last !== undefined) setOutbound(pass, node, last);
    const outputs = templateOutputs(template, scope);
    if (outputs !== undefined) {
      state.change(node, () => {
        node.status.outputs = outputs;
      });
      exportGlobals(state, outputs);
    }
  } catch (error) {
    return { error: messageOf(error) };
  }
  setPhase(state, node, { phase: NodePhase.Succeeded, nowMs });
  return {};
};

/** A loop whose results cannot be joined is an error as soon as its group has succeeded, whether or not anyone names it. */
const assertAggregates = (pass: Pass, node: TreeNode, groupCount: number): Outcome => {
  try {
    stepsScope(pass, node, groupCount, loopNames(pass, node, groupCount));
    return {};
  } catch (error) {
    return { error: messageOf(error) };
  }
};
const loopNames = (pass: Pass, node: TreeNode, groupCount: number): Set<string> =>
  new Set(
    (templateOf(pass, node).steps?.[groupCount - 1] ?? []).flatMap((step) =>
      step.withItems !== undefined || step.withParam !== undefined || step.withSequence !== undefined ? [step.name] : [],
    ),
  );

const indexOf = (group: TreeNode): number => group.memory.index ?? 0;

/** The group has failed, and the node with it. */
const fail = (pass: Pass, node: TreeNode, group: TreeNode): Outcome => {
  setOutbound(pass, node, group);
  if (!isFulfilled(node.status)) {
    setPhase(pass.state, node, { phase: NodePhase.Failed, message: group.status.message ?? '', nowMs: pass.nowMs });
  }
  return {};
};

/** What a group that has ended leads to: the next group, or the end of the node. */
const afterGroup = (pass: Pass, node: TreeNode, group: TreeNode, count: number): { next: TreeNode } | { outcome: Outcome } => {
  if (isFailedOrErrorPhase(group.status.phase)) return { outcome: fail(pass, node, group) };
  const joined = assertAggregates(pass, node, indexOf(group) + 1);
  if (joined.error !== undefined) return { outcome: joined };
  return indexOf(group) + 1 < count ? { next: createGroup(pass, node, group) } : { outcome: finish(pass, node, group) };
};

/**
 * Goes through the groups of a Steps node in order, one after the other has succeeded (Argo's executeSteps). Only the group that is open is
 * looked at. A failed group fails the node with the group's message; an error of the outputs makes it an error.
 */
export const advanceSteps = (pass: Pass, node: TreeNode, changed?: ChangedChild): Outcome => {
  const count = templateOf(pass, node).steps?.length ?? 0;
  if (count === 0) return finish(pass, node, undefined);
  let group = pass.state.lastOwned(node.id) ?? createGroup(pass, node, undefined);
  if (!isFulfilled(group.status)) advanceStepGroup(pass, group, changed);
  while (isFulfilled(group.status)) {
    const after = afterGroup(pass, node, group, count);
    if ('outcome' in after) return after.outcome;
    group = after.next;
    advanceStepGroup(pass, group);
  }
  return {};
};
