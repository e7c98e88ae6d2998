import { createScope, evaluateBoolean, substituteJson, type Scope } from '#libs/expressions';
import { displayName, hookNodeName, isFulfilled, type LifecycleHook, type TemplateInvocation } from '#libs/workflow-spec';
import { ExecutionError } from '../errors.js';
import type { Pass, StartRequest } from '../pass.js';
import { nodeVariables } from '../scope/node-variables.js';
import type { TreeNode } from '../state/tree-node.js';
import { scopeInside } from '../templates/process-template.js';

type Hooks = Readonly<Record<string, LifecycleHook>>;

/** Hooks that fire by their expression; the one called `exit` is the exit handler. In the order of their names, Argo has none. */
export const expressionHooks = (hooks: Hooks | undefined): [string, LifecycleHook][] =>
  Object.entries(hooks ?? {})
    .filter(([name]) => name !== 'exit')
    .sort(([left], [right]) => (left < right ? -1 : 1));

/** Whether the expression is true now. Throws ExpressionError in Argo's words, ExecutionError where there is none. */
const isTriggered = (name: string, { expression }: LifecycleHook, scope: Scope): boolean => {
  if (expression === undefined || expression === '') throw new ExecutionError(`Expression required for hook ${name}`);
  return evaluateBoolean(expression, scope);
};

/** What hooks hang on, and what starts them. */
interface HookPlace {
  parent: TreeNode;
  scope: Scope;
  request: Pick<StartRequest, 'scope' | 'boundaryId'>;
  ownerId: string;
  /** It does not wait for a slot. */
  isSlotRequired?: boolean;
}

/** `waits`: one could not be started yet. `hasNoSlot`: one could not be started, and will not be. */
export type HookStart = 'started' | 'waits' | 'hasNoSlot';

const startHook = (pass: Pass, place: HookPlace, name: string, hook: LifecycleHook): HookStart => {
  const { state } = pass;
  const { parent } = place;
  const result = pass.operations.start(pass, {
    ...place.request,
    nodeName: hookNodeName(parent.status.name, name),
    invocation: {
      name: '',
      ...(hook.template === undefined ? {} : { template: hook.template }),
      ...(hook.templateRef === undefined ? {} : { templateRef: hook.templateRef }),
      arguments: substituteJson(hook.arguments ?? {}, place.scope, { nowMs: pass.nowMs }),
    },
    parents: [parent.id],
    hooked: true,
    kind: 'other',
    memory: {
      owner: place.ownerId,
      role: 'hook',
      name,
      subject: parent.id,
      ...(parent.memory.onExit === true ? { onExit: true } : {}),
    },
  });
  if (result.type === 'refused') {
    if (result.why === 'slot') {
      if (place.isSlotRequired === true) return 'hasNoSlot';
      state.waitingForSlot.add(place.ownerId);
    } else state.deferred.set(place.ownerId, result.why);
    return 'waits';
  }
  if (result.error !== undefined) throw new ExecutionError(result.error);
  return 'started';
};

const runAll = (pass: Pass, place: HookPlace, hooks: Hooks | undefined): HookStart => {
  let all: HookStart = 'started';
  for (const [name, hook] of expressionHooks(hooks)) {
    if (pass.state.byName(hookNodeName(place.parent.status.name, name)) !== undefined) continue;
    if (!isTriggered(name, hook, place.scope)) continue;
    const started = startHook(pass, place, name, hook);
    if (started === 'hasNoSlot') return started;
    if (started === 'waits') all = started;
  }
  return all;
};

/** Whose hooks may fire, and what they may refer to. */
export interface HookSubject {
  node: TreeNode;
  invocation: TemplateInvocation;
  /** `steps` or `tasks`. */
  kind: 'steps' | 'tasks';
  variables: Scope;
  owner: TreeNode;
}

/**
 * Fires the hooks of a step or task whose expressions are true now, each once (Argo's executeTmplLifeCycleHook). A hook that has fired is
 * waited for; how it ends does not count. A hook of a task waits for a slot while its expression stays true, one of a step does not. Throws where an
 * expression cannot be evaluated.
 */
export const runHooks = (pass: Pass, { node, invocation, kind, variables, owner }: HookSubject): HookStart => {
  if (expressionHooks(invocation.hooks).length === 0) return 'started';
  const boundary = pass.state.find(node.status.boundaryID);
  const shown = kind === 'steps' ? displayName(node.status.name, boundary?.status.name) : invocation.name;
  const outputs = isFulfilled(node.status) ? nodeVariables(pass.state, `${kind}.${shown}`, node) : [];
  const scope = createScope(new Map([...outputs, [`${kind}.${shown}.status`, node.status.phase ?? '']]), variables);
  const request = {
    scope: boundary === undefined ? (node.status.templateScope ?? '') : scopeInside(boundary),
    ...(boundary === undefined ? {} : { boundaryId: boundary.id }),
  };
  const place = { parent: node, scope, request, ownerId: owner.id, isSlotRequired: kind === 'steps' };
  return runAll(pass, place, invocation.hooks);
};

/** Fires the workflow's own hooks; false while one that has fired, or should, is not done (Argo's executeWfLifeCycleHook). */
export const runWorkflowHooks = (pass: Pass, root: TreeNode, scope: Scope, templateScope: string): boolean => {
  const { state } = pass;
  const { hooks } = state.spec;
  if (expressionHooks(hooks).length === 0) return true;
  if (runAll(pass, { parent: root, scope, request: { scope: templateScope }, ownerId: '' }, hooks) === 'waits') return false;
  return expressionHooks(hooks).every(([name]) => {
    const node = state.byName(hookNodeName(root.status.name, name));
    return node === undefined || isFulfilled(node.status);
  });
};
