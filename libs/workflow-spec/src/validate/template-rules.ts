import { WorkflowInvalidError } from '../errors.js';
import type { Template } from '../model/workflow.js';
import { isPodTemplateType, templateTypeOf, templateTypesOf } from '../template-type.js';
import { validateDag } from './dag-rules.js';
import { assertMetrics } from './metric-rules.js';
import { assertNames, itemNameProblems } from './field-names.js';
import { validateLeaf } from './leaf-rules.js';
import { assertArtifactPath, isLeaf, templateTypeWord, validateOutputs } from './output-rules.js';
import { processArguments, type ArgumentsProvider } from './process-arguments.js';
import { Scope } from './scope.js';
import { validateSteps } from './steps-rules.js';
import type { TemplateSource } from './template-source.js';
import { withPlace, type ValidationContext } from './validation-context.js';

const TYPE_CHOICE = 'choose one of: container, containerSet, steps, script, resource, dag, suspend, template, template ref';
const RETRY_VARIABLES = ['retries', 'lastRetry.exitCode', 'lastRetry.status', 'lastRetry.duration', 'lastRetry.message'];

const assertOneType = (template: Template): void => {
  const count = templateTypesOf(template).length;
  if (count === 1) return;
  const what = count === 0 ? 'template type unspecified' : 'multiple template types specified';
  throw new WorkflowInvalidError(`templates.${template.name} ${what}. ${TYPE_CHOICE}`);
};

const inputScope = (template: Template): Scope => {
  const prefix = `templates.${template.name}.inputs`;
  const { parameters = [], artifacts = [] } = template.inputs ?? {};
  assertNames(`${prefix}.parameters`, parameters, itemNameProblems);
  assertNames(`${prefix}.artifacts`, artifacts, itemNameProblems);
  const scope = new Scope();
  for (const { name } of parameters) scope.add(`inputs.parameters.${name}`);
  if (parameters.length > 0) scope.add('inputs.parameters');
  for (const artifact of artifacts) {
    const place = `${prefix}.artifacts.${artifact.name}`;
    scope.add(`inputs.artifacts.${artifact.name}`);
    if (isLeaf(template)) {
      assertArtifactPath(place, artifact);
      scope.add(`inputs.artifacts.${artifact.name}.path`);
    } else if (artifact.path) throw new WorkflowInvalidError(`${place}.path only valid in container/script templates`);
    if (artifact.from) throw new WorkflowInvalidError(`${place}.from not valid in inputs`);
    if (artifact.git !== undefined && !artifact.git['repo']) throw new WorkflowInvalidError(`${place}.git.repo is required`);
  }
  return scope;
};

const addOwnPaths = (template: Template, scope: Scope): void => {
  if (!isLeaf(template)) return;
  for (const { name, path } of template.outputs?.artifacts ?? []) if (path) scope.add(`outputs.artifacts.${name}.path`);
  for (const { name, valueFrom } of template.outputs?.parameters ?? []) {
    if (valueFrom?.path) scope.add(`outputs.parameters.${name}.path`);
  }
};

const localNames = (template: Template): string[] => [
  ...(isPodTemplateType(templateTypeOf(template)) ? ['pod.name'] : []),
  ...(template.retryStrategy === undefined ? [] : RETRY_VARIABLES),
];

const assertTimeout = (template: Template, field: 'timeout' | 'pendingTimeout'): void => {
  const duration = template[field];
  if (!duration) return;
  if (!isLeaf(template)) throw new WorkflowInvalidError(`${templateTypeWord(template)} template doesn't support ${field} field`);
  if (/^[-+]?\d+$/.test(duration)) throw new WorkflowInvalidError(`${template.name} has invalid duration format in ${field}`);
};

export interface TemplateCall {
  template: Template;
  source: TemplateSource;
  provider: ArgumentsProvider;
  /** True for the first call of this template in its source: only then its body is looked at. */
  isFirst: () => boolean;
}

/** All rules for a template as it is called: its inputs at each call, the rest once (Argo's validateTemplate). */
export const validateTemplate = (context: ValidationContext, call: TemplateCall): void => {
  const { template, source } = call;
  assertOneType(template);
  const scope = inputScope(template);
  for (const container of (template['initContainers'] ?? []) as { name?: string }[]) {
    if (!container.name) throw new WorkflowInvalidError('initContainers must all have container name');
  }
  const known = new Map(context.globals);
  for (const name of localNames(template)) {
    scope.add(name);
    known.set(name, context.placeholders.next());
  }
  addOwnPaths(template, scope);
  const bound = withPlace(`templates.${template.name}`, () => processArguments(template, call.provider, known));
  assertTimeout(bound, 'timeout');
  assertTimeout(bound, 'pendingTimeout');
  if (!call.isFirst()) return;

  const frame = { context, template: bound, source, scope };
  if (bound.steps !== undefined) validateSteps(frame);
  else if (bound.dag !== undefined) validateDag(frame);
  else validateLeaf(frame);
  validateOutputs(frame);
  const location = bound.archiveLocation;
  if (location?.git !== undefined && !location.git['repo']) {
    throw new WorkflowInvalidError(`templates.${bound.name}.archiveLocation.git.repo is required`);
  }
  assertMetrics(`templates.${bound.name}`, bound.metrics);
};
