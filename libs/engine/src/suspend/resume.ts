import { GrpcCode, NodePhase, UserError, type Parameter } from '#libs/workflow-spec';
import { exportGlobals } from '../outputs/global-outputs.js';
import type { Pass } from '../pass.js';
import { setPhase } from '../phase/transitions.js';
import { completeProgress } from '../state/counters.js';
import type { TreeNode } from '../state/tree-node.js';

/** A parameter with its default where nobody has supplied a value; Argo shows it without `valueFrom` then. */
const supplied = (parameter: Parameter): Parameter => {
  if (parameter.value !== undefined) return parameter;
  const { valueFrom, ...rest } = parameter;
  return valueFrom?.default === undefined ? parameter : { ...rest, value: valueFrom.default };
};

const missingValue = (name: string): string =>
  `raw output parameter '${name}' has not been set and does not have a default value`;

/** The name of the first awaited output that has neither value nor default. */
const firstMissing = (parameters: readonly Parameter[] | undefined): string | undefined =>
  parameters?.find((parameter) => parameter.value === undefined)?.name;

const takeDefaults = (pass: Pass, node: TreeNode): void => {
  const parameters = node.status.outputs?.parameters?.map(supplied);
  if (parameters === undefined) return;
  pass.state.change(node, () => {
    node.status.outputs = { ...node.status.outputs, parameters };
  });
};

/** Ends a suspension on request. Throws UserError (Argo's message) where an awaited output has no value. */
export const resumeNode = (pass: Pass, node: TreeNode, message: string): void => {
  const missing = firstMissing(node.status.outputs?.parameters?.map(supplied));
  if (missing !== undefined) {
    throw new UserError(`timed out waiting for the condition: ${missingValue(missing)}`, { grpcCode: GrpcCode.Internal });
  }
  takeDefaults(pass, node);
  const before = node.status.message ?? '';
  setPhase(pass.state, node, {
    phase: NodePhase.Succeeded,
    message: before === '' ? message : `${before}; ${message}`,
    nowMs: pass.nowMs,
  });
  exportGlobals(pass.state, node.status.outputs);
};

/** A suspension whose time is over: goes on as if someone had resumed it, or is an error where an output is missing. */
export const endSuspension = (pass: Pass, node: TreeNode): void => {
  takeDefaults(pass, node);
  const missing = firstMissing(node.status.outputs?.parameters);
  if (missing !== undefined) {
    setPhase(pass.state, node, { phase: NodePhase.Error, message: missingValue(missing), nowMs: pass.nowMs });
    return;
  }
  setPhase(pass.state, node, { phase: NodePhase.Succeeded, nowMs: pass.nowMs });
  exportGlobals(pass.state, node.status.outputs);
};

/** Shows a suspension that has succeeded as done. */
export const noteSuspensionDone = (pass: Pass, node: TreeNode): void => {
  if (node.status.phase !== NodePhase.Succeeded) return;
  pass.state.change(node, () => {
    node.status.progress = completeProgress(node.status.progress);
  });
};

/** Gives values to awaited outputs. Throws UserError for a name that is not awaited. */
export const supplyOutputs = (pass: Pass, node: TreeNode, values: Readonly<Record<string, string>>): void => {
  const awaited = node.status.outputs?.parameters ?? [];
  for (const name of Object.keys(values)) {
    const known = awaited.find((parameter) => parameter.name === name);
    if (known === undefined)
      throw new UserError(`node is not expecting output parameter '${name}'`, { grpcCode: GrpcCode.Internal });
    if (known.value !== undefined)
      throw new UserError(`output parameter '${name}' was already set`, { grpcCode: GrpcCode.Internal });
  }
  const parameters = awaited.map((parameter): Parameter => {
    const value = values[parameter.name];
    if (value === undefined) return parameter;
    const { valueFrom: _valueFrom, ...rest } = parameter;
    return { ...rest, value: String(value) };
  });
  pass.state.change(node, () => {
    node.status.outputs = { ...node.status.outputs, parameters };
  });
};
