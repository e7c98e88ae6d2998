import { createScope, type Scope } from '#libs/expressions';
import type { Artifact, TemplateInvocation } from '#libs/workflow-spec';
import { aggregateOf } from '../loops/aggregate.js';
import type { Pass } from '../pass.js';
import type { TreeNode } from '../state/tree-node.js';
import { templateOf } from '../templates/process-template.js';
import { absentOutputs } from './absent-outputs.js';
import { globalScope } from './globals.js';
import { outerArtifacts } from './outer-artifacts.js';
import { nodeArtifacts, nodeVariables } from './node-variables.js';
import { ownInputs } from './own-inputs.js';

/** What a step group or the outputs of a Steps template can refer to. */
export interface TemplateScope {
  variables: Scope;
  artifacts: Map<string, Artifact>;
}

const isWanted = (names: ReadonlySet<string> | undefined, name: string): boolean => names === undefined || names.has(name);

/**
 * The scope after the first `groupCount` groups of a Steps node: outputs of their steps, loops aggregated (Argo's executeSteps).
 * `names` limits it to the steps that are spoken of. Throws where a loop's results cannot be joined.
 */
export const stepsScope = (
  pass: Pass,
  stepsNode: TreeNode,
  groupCount: number,
  names: ReadonlySet<string> | undefined,
): TemplateScope => {
  const { state } = pass;
  const template = templateOf(pass, stepsNode);
  const variables = ownInputs(template);
  const artifacts = outerArtifacts(state, template);
  const groups = (template.steps ?? []).slice(0, groupCount);
  groups.forEach((group, index) => {
    for (const step of group) {
      if (!isWanted(names, step.name)) continue;
      addStep(pass, { stepsNode, index, step }, { variables, artifacts });
    }
  });
  return { variables: createScope(variables, globalScope(state, pass.nowMs)), artifacts };
};

const addStep = (
  pass: Pass,
  place: { stepsNode: TreeNode; index: number; step: TemplateInvocation },
  into: { variables: Map<string, string | null>; artifacts: Map<string, Artifact> },
): void => {
  const { state } = pass;
  const { stepsNode, index, step } = place;
  const prefix = `steps.${step.name}`;
  const groupName = `${stepsNode.status.name}[${index}]`;
  const node = state.byName(`${groupName}.${step.name}`);
  if (node !== undefined) {
    for (const [name, value] of absentOutputs(pass, prefix, node, step)) into.variables.set(name, value);
    for (const [name, value] of nodeVariables(state, prefix, node)) into.variables.set(name, value);
    for (const [name, artifact] of nodeArtifacts(state, prefix, node)) into.artifacts.set(name, artifact);
    return;
  }
  const group = state.byName(groupName);
  if (group === undefined) return;
  for (const [name, value] of nodeVariables(state, prefix, group)) into.variables.set(name, value);
  const items = state.ownedBy(group.id).filter((item) => item.memory.role === 'item' && item.memory.name === step.name);
  for (const [name, value] of aggregateOf(pass, { key: `${group.id}/${step.name}`, owner: group, items, prefix }))
    into.variables.set(name, value);
};
