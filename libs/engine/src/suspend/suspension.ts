import { parseDuration, type Outputs, type Parameter, type Template } from '#libs/workflow-spec';
import type { Pass } from '../pass.js';
import type { TreeNode } from '../state/tree-node.js';

/** Output parameters that a person or a program will supply; shown at the node from the start. */
const awaitedOutputs = (template: Template): Outputs | undefined => {
  const parameters = (template.outputs?.parameters ?? []).filter((parameter) => parameter.valueFrom?.supplied !== undefined);
  return parameters.length === 0 ? undefined : { parameters: parameters.map((parameter): Parameter => ({ ...parameter })) };
};

/** Begins a suspension: until someone resumes it, or for its `duration` (a Go duration or seconds). */
export const startSuspension = (pass: Pass, node: TreeNode, template: Template): void => {
  const outputs = awaitedOutputs(template);
  const duration = template.suspend?.duration;
  pass.state.change(node, () => {
    if (outputs !== undefined) node.status.outputs = outputs;
    if (duration !== undefined && duration !== '') node.memory.wakeAtMs = pass.nowMs + parseDuration(duration);
  });
};
