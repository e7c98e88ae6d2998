import { substituteJson } from '#libs/expressions';
import { NodeType, type TemplateInvocation } from '#libs/workflow-spec';
import { resolveTask } from '../dag/resolve-task.js';
import { expand } from '../loops/expand.js';
import { resolveInvocation } from '../loops/resolve-invocation.js';
import { copyOf, type Outcome, type Pass, type StartRequest } from '../pass.js';
import { globalScope } from '../scope/globals.js';
import { mentionedNames } from '../scope/mentioned-names.js';
import { stepsScope, type TemplateScope } from '../scope/steps-scope.js';
import type { TreeNode } from '../state/tree-node.js';
import { messageOf } from '../templates/error-message.js';
import { MissingFact } from '../templates/inputs.js';
import { processTemplate, templateOf } from '../templates/process-template.js';

type Invocation = StartRequest['invocation'];
interface Resolved {
  invocation: TemplateInvocation;
  scope: TemplateScope;
}

const stepOf = (pass: Pass, group: TreeNode, name: string): Resolved => {
  const stepsNode = pass.state.get(group.memory.owner);
  const index = group.memory.index ?? 0;
  const step = templateOf(pass, stepsNode).steps?.[index]?.find((candidate) => candidate.name === name) ?? { name };
  const scope = stepsScope(pass, stepsNode, index, mentionedNames(JSON.stringify(step)));
  return { invocation: resolveInvocation(step, scope, pass.nowMs), scope };
};

const taskOf = (pass: Pass, dag: TreeNode, name: string): Resolved => {
  const { task, scope } = resolveTask(pass, dag, name);
  return { invocation: task, scope };
};

const itemOf = (pass: Pass, node: TreeNode, owner: TreeNode): Invocation | undefined => {
  const name = node.memory.name ?? '';
  const resolved =
    owner.status.type === NodeType.TaskGroup ? taskOf(pass, pass.state.get(owner.memory.owner), name) : stepOf(pass, owner, name);
  const members = expand(resolved.invocation, resolved.scope.variables, pass.nowMs);
  const index = node.memory.index ?? 0;
  return index < members.count ? members.at(index).invocation : undefined;
};

/** How the node would be called now; undefined for one that nothing calls any more. */
export const invocationOf = (pass: Pass, node: TreeNode): Invocation | undefined => {
  const { state } = pass;
  const owner = state.find(node.memory.owner);
  if (owner === undefined) {
    const args = substituteJson(state.spec.arguments ?? {}, globalScope(state, pass.nowMs));
    return { name: '', template: state.spec.entrypoint ?? '', arguments: args };
  }
  const name = node.memory.name ?? '';
  if (node.memory.role === 'item') return itemOf(pass, node, owner);
  return (owner.status.type === NodeType.StepGroup ? stepOf(pass, owner, name) : taskOf(pass, owner, name)).invocation;
};

const isGroup = ({ status }: TreeNode): boolean => status.type === NodeType.StepGroup || status.type === NodeType.TaskGroup;

/** Groups have none of their own; what they hold is expanded anew. */
const refreshedInputs = (pass: Pass, node: TreeNode): TreeNode['status']['inputs'] => {
  if (isGroup(node)) return undefined;
  if (node.memory.role === 'attempt') return copyOf(pass.state.get(node.memory.owner).status.inputs);
  const invocation = invocationOf(pass, node);
  if (invocation === undefined) return node.status.inputs;
  const owner = pass.state.find(node.memory.owner);
  const request: StartRequest = {
    nodeName: node.status.name,
    invocation,
    scope: node.status.templateScope ?? '',
    parents: [],
    memory: node.memory,
    kind: owner === undefined || owner.status.type === NodeType.StepGroup ? 'step' : 'task',
  };
  return processTemplate(pass, request).template.inputs;
};

const refreshOne = (pass: Pass, node: TreeNode): Outcome | undefined => {
  const { state } = pass;
  try {
    const inputs = refreshedInputs(pass, node);
    state.change(node, () => {
      delete node.memory.hasStaleInputs;
      if (inputs === undefined) delete node.status.inputs;
      else node.status.inputs = inputs;
    });
    state.derived.drop(node.id);
    return undefined;
  } catch (error) {
    if (!(error instanceof MissingFact)) return { error: messageOf(error) };
    state.deferred.set(node.id, 'fact');
    return {};
  }
};

/**
 * Gives a container that a manual retry has opened again, and those around it, the inputs that follow from the workflow's other arguments, the
 * first time it goes on. Undefined where it may go on now.
 */
export const refreshInputs = (pass: Pass, node: TreeNode): Outcome | undefined => {
  if (node.memory.hasStaleInputs !== true) return undefined;
  const stale: TreeNode[] = [];
  for (let at: TreeNode | undefined = node; at !== undefined; at = pass.state.find(at.memory.owner))
    if (at.memory.hasStaleInputs === true) stale.push(at);
  for (const each of stale.reverse()) {
    const outcome = refreshOne(pass, each);
    if (outcome !== undefined) return outcome;
  }
  return undefined;
};
