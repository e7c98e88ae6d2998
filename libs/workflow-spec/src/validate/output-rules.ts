import { WorkflowInvalidError } from '../errors.js';
import type { Artifact, Parameter, Template, ValueFrom } from '../model/workflow.js';
import { templateTypeOf, type TemplateType } from '../template-type.js';
import { assertNames, containsParameter, itemNameProblems } from './field-names.js';
import { assertTagsResolve } from './scope.js';
import type { TemplateFrame } from './validation-context.js';

const LEAF_TYPES: ReadonlySet<string> = new Set<TemplateType>([
  'container',
  'containerSet',
  'script',
  'resource',
  'data',
  'http',
  'plugin',
]);

/** Whether the template is run and not made of calls; Suspend is neither. */
export const isLeaf = (template: Template): boolean => LEAF_TYPES.has(templateTypeOf(template) ?? '');

const TYPE_WORDS: Partial<Record<TemplateType, string>> = {
  container: 'Container',
  containerSet: 'ContainerSet',
  script: 'Script',
  resource: 'Resource',
  dag: 'DAG',
  steps: 'Steps',
  suspend: 'Suspend',
  data: 'Data',
  http: 'HTTP',
  plugin: 'Plugin',
};

/** Argo's word for the type of a template. */
export const templateTypeWord = (template: Template): string => TYPE_WORDS[templateTypeOf(template) ?? 'container'] ?? 'Unknown';

/** An artifact of a pod has a path that does not climb; `place` is that of the artifact. */
export const assertArtifactPath = (place: string, artifact: Artifact): void => {
  if (!artifact.path) throw new WorkflowInvalidError(`error in ${place}: Artifact '${artifact.name}' did not specify a path`);
  if (artifact.path.split('/').includes('..')) {
    throw new WorkflowInvalidError(
      `error in ${place}: Artifact '${artifact.name}' attempted to use a path containing '..'. Directory traversal is not permitted`,
    );
  }
};

const assertGlobalName = (place: string, globalName: string | undefined): void => {
  if (!globalName || containsParameter(globalName)) return;
  const problem = itemNameProblems(globalName)[0];
  if (problem !== undefined) throw new WorkflowInvalidError(`${place}.globalName: ${problem}`);
};

const assertSource = (place: string, parameter: Parameter): void => {
  const { value, valueFrom } = parameter;
  if (valueFrom !== undefined && value !== undefined) {
    throw new WorkflowInvalidError(`${place} has both valueFrom and value specified, choose one`);
  }
  if (value !== undefined) return;
  if (valueFrom === undefined) throw new WorkflowInvalidError(`${place} does not have valueFrom or value specified`);
  const { path, jqFilter, jsonPath, parameter: from, expression, supplied } = valueFrom;
  const sources = [path, jqFilter, jsonPath, from, expression].filter(Boolean).length + (supplied === undefined ? 0 : 1);
  if (sources === 0) {
    throw new WorkflowInvalidError(
      'valueFrom type unspecified. choose one of: path, jqFilter, jsonPath, parameter, raw, expression',
    );
  }
  if (sources > 1) {
    throw new WorkflowInvalidError('multiple valueFrom types specified. choose one of: path, jqFilter, jsonPath, parameter, raw');
  }
};

const assertSourceFits = (place: string, source: ValueFrom, template: Template): void => {
  const word = templateTypeWord(template);
  switch (templateTypeOf(template)) {
    case 'container':
    case 'containerSet':
    case 'script':
      if (!source.path) throw new WorkflowInvalidError(`${place}.path must be specified for ${word} templates`);
      return;
    case 'resource':
      if (!source.jqFilter && !source.jsonPath) {
        throw new WorkflowInvalidError(`${place} .jqFilter or jsonPath must be specified for ${word} templates`);
      }
      return;
    case 'dag':
    case 'steps':
      if (!source.parameter && !source.expression) {
        throw new WorkflowInvalidError(`${place}.parameter or expression must be specified for ${word} templates`);
      }
      return;
    default:
      return;
  }
};

/** The rules for what a template gives (Argo's validateOutputs). */
export const validateOutputs = ({ template, scope, context }: TemplateFrame): void => {
  const outputs = template.outputs ?? {};
  const prefix = `templates.${template.name}`;
  assertNames(`${prefix}.outputs.parameters `, outputs.parameters, itemNameProblems);
  assertNames(`${prefix}.outputs.artifacts `, outputs.artifacts, itemNameProblems);
  const { globals, anyWorkflowParameter } = context;
  assertTagsResolve(`${prefix}.outputs `, JSON.stringify(outputs), { scope, globals, anyWorkflowParameter });
  for (const artifact of outputs.artifacts ?? []) {
    const place = `${prefix}.outputs.artifacts.${artifact.name}`;
    if (isLeaf(template)) assertArtifactPath(place, artifact);
    else if (artifact.path) throw new WorkflowInvalidError(`${place}.path only valid in container/script templates`);
    assertGlobalName(place, artifact.globalName);
  }
  for (const parameter of outputs.parameters ?? []) {
    const place = `${prefix}.outputs.parameters.${parameter.name}`;
    assertSource(place, parameter);
    if (parameter.valueFrom !== undefined) assertSourceFits(place, parameter.valueFrom, template);
    assertGlobalName(place, parameter.globalName);
  }
};
