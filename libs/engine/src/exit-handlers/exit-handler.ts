import { createScope, evaluateBoolean, substituteJson, type Scope } from '#libs/expressions';
import { isCompleted, NodeType, onExitNodeName, type LifecycleHook, type TemplateInvocation } from '#libs/workflow-spec';
import { exitHookOf, type Pass } from '../pass.js';
import { shutdownOf } from '../limits/shutdown.js';
import { nodeVariables } from '../scope/node-variables.js';
import { scopeInside, templateOf } from '../templates/process-template.js';
import type { TreeNode } from '../state/tree-node.js';

/** Whose exit handler is to run, and what it may refer to. */
export interface ExitSubject {
  node: TreeNode;
  invocation: TemplateInvocation;
  /** `steps.<name>` or `tasks.<name>`. */
  prefix: string;
  variables: Scope;
  /** The step group, DAG or task group that waits for it. */
  owner: TreeNode;
}

/** Whether an exit handler has to run for this node and does not exist yet. */
export const isExitHandlerDue = (pass: Pass, node: TreeNode, invocation: TemplateInvocation): boolean => {
  const { state } = pass;
  if (exitHookOf(invocation, undefined) === undefined || shutdownOf(state) !== undefined) return false;
  if (!isCompleted(node.status) || node.memory.exitDeclined === true) return false;
  return state.byName(onExitNodeName(node.status.name)) === undefined;
};

const isDeclined = (pass: Pass, { node }: ExitSubject, hook: LifecycleHook, own: Scope): boolean => {
  if (hook.expression === undefined || hook.expression === '' || evaluateBoolean(hook.expression, own)) return false;
  pass.state.change(node, () => {
    node.memory.exitDeclined = true;
  });
  return true;
};

/** What the subject has given; outputs that it declares and did not give are empty. */
const ownVariables = (pass: Pass, { node, prefix }: ExitSubject): [string, string][] => {
  const isBody = node.status.type !== NodeType.TaskGroup && node.status.type !== NodeType.Skipped;
  const declared = isBody ? (templateOf(pass, node).outputs?.parameters ?? []) : [];
  const empty = declared.map(({ name }): [string, string] => [`${prefix}.outputs.parameters.${name}`, '']);
  return [...empty, ...nodeVariables(pass.state, prefix, node)];
};

/**
 * Starts the exit handler of a step or task that has completed, once (Argo's runOnExitNode). It hangs below its subject, stands in the
 * subject's boundary, and what it comes to does not count; it is only waited for. Under a shutdown none is started. One that has to wait
 * for a slot or a fact stays due, and its owner is asked again.
 */
export const runExitHandler = (pass: Pass, subject: ExitSubject): void => {
  const { state } = pass;
  const hook = exitHookOf(subject.invocation, state.spec.arguments);
  if (hook === undefined || !isExitHandlerDue(pass, subject.node, subject.invocation)) return;
  const nodeName = onExitNodeName(subject.node.status.name);
  const own = createScope(new Map(ownVariables(pass, subject)), subject.variables);
  if (isDeclined(pass, subject, hook, own)) return;
  const boundary = state.find(subject.node.status.boundaryID);
  const started = pass.operations.start(pass, {
    nodeName,
    invocation: {
      name: '',
      ...(hook.template === undefined ? {} : { template: hook.template }),
      ...(hook.templateRef === undefined ? {} : { templateRef: hook.templateRef }),
      arguments: substituteJson(hook.arguments ?? {}, own, { nowMs: pass.nowMs }),
    },
    scope: boundary === undefined ? (subject.node.status.templateScope ?? '') : scopeInside(boundary),
    ...(boundary === undefined ? {} : { boundaryId: boundary.id }),
    parents: [subject.node.id],
    hooked: true,
    kind: 'other',
    memory: { owner: subject.owner.id, role: 'exit', subject: subject.node.id, onExit: true },
  });
  if (started.type === 'node') return;
  if (started.why === 'slot') state.waitingForSlot.add(subject.owner.id);
  else state.deferred.set(subject.owner.id, started.why);
};
