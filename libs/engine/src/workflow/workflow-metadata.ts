import { checkName, createScope, evaluateExpression, substituteJson, type Scope } from '#libs/expressions';
import { WorkflowPhase, type WorkflowSpec } from '#libs/workflow-spec';
import { ExecutionError } from '../errors.js';
import type { Pass } from '../pass.js';
import { globalScope } from '../scope/globals.js';
import { messageOf } from '../templates/error-message.js';
import { setWorkflowPhase } from './workflow-phase.js';

type Texts = Record<string, string>;

const assertLabelValue = (name: string, value: string): string => {
  const problems = checkName('labelValue', value);
  if (problems.length === 0) return value;
  throw new ExecutionError(
    `invalid label value ${JSON.stringify(value)} for label ${JSON.stringify(name)}: ${problems.join(';')}`,
  );
};

const evaluated = (name: string, expression: string, scope: Scope): string => {
  const what = `label ${JSON.stringify(name)} expression ${JSON.stringify(expression)}`;
  let value: unknown;
  try {
    value = evaluateExpression(expression, scope);
  } catch (error) {
    throw new ExecutionError(`failed to evaluate ${what}: ${messageOf(error)}`, { cause: error });
  }
  if (typeof value !== 'string') throw new ExecutionError(`failed to evaluate ${what}: it must give a string`);
  return value;
};

const labelsOf = (metadata: NonNullable<WorkflowSpec['workflowMetadata']>, scope: Scope): Texts => {
  const written = Object.entries(substituteJson(metadata.labels ?? {}, scope));
  const labels = Object.fromEntries(written.map(([name, value]) => [name, assertLabelValue(name, value)]));
  // A computed label may refer to one that is written beside it.
  const inner = createScope(new Map(Object.entries(labels).map(([name, value]) => [`workflow.labels.${name}`, value])), scope);
  for (const [name, { expression }] of Object.entries(metadata.labelsFrom ?? {}))
    labels[name] = assertLabelValue(name, evaluated(name, expression, inner));
  return labels;
};

/**
 * Puts `spec.workflowMetadata` onto the workflow, once, as it begins: labels and annotations over those of the object, computed labels
 * from the global variables (Argo's updateWorkflowMetadata). Templates read them as `workflow.labels.*`. False where a label cannot be
 * computed or is none: the workflow is in Error then.
 */
export const takeWorkflowMetadata = (pass: Pass): boolean => {
  const { state } = pass;
  const metadata = state.spec.workflowMetadata;
  if (metadata === undefined) return true;
  let labels: Texts;
  let annotations: Texts;
  try {
    const scope = globalScope(state, pass.nowMs);
    labels = labelsOf(metadata, scope);
    annotations = substituteJson(metadata.annotations ?? {}, scope);
  } catch (error) {
    setWorkflowPhase(pass, WorkflowPhase.Error, messageOf(error));
    return false;
  }
  state.changeHeader((header) => {
    header.labels = { ...header.labels, ...labels };
    header.annotations = { ...header.annotations, ...annotations };
    header.internal = { ...header.internal, metadata: { labels, annotations } };
  });
  state.derived.drop('');
  return true;
};
