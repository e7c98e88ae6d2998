import { evaluateExpression, goJson } from '#libs/expressions';
import { anyString, type Artifact, type Outputs, type Parameter, type Template } from '#libs/workflow-spec';
import { ExecutionError } from '../errors.js';
import type { TemplateScope } from '../scope/steps-scope.js';
import { messageOf } from '../templates/error-message.js';
import { resolveArtifact } from './artifact-arguments.js';

const TAG = /^\s*\{\{\s*([^{}]+?)\s*\}\}\s*$/;

const textOf = (value: unknown): string => (typeof value === 'string' ? value : goJson(value));

const parameterValue = (parameter: Parameter, scope: TemplateScope): string => {
  const source = parameter.valueFrom;
  if (source === undefined) throw new ExecutionError('output parameters must have a valueFrom specified');
  if (source.expression !== undefined && source.expression !== '') {
    const value = evaluateExpression(source.expression, scope.variables);
    if (value === null || value === undefined)
      throw new ExecutionError(`failed to evaluate expression ${JSON.stringify(source.expression)}`);
    return textOf(value);
  }
  const written = source.parameter ?? '';
  const name = TAG.exec(written)?.[1];
  if (name === undefined) return written;
  const value = scope.variables.get(name);
  if (value === null) {
    throw new ExecutionError(
      `output parameter ${JSON.stringify(parameter.name)}: ${JSON.stringify(written)} is an absent optional (skipped/omitted node output with no default)`,
    );
  }
  if (value === undefined) throw new ExecutionError(`Unable to resolve: ${JSON.stringify(name)}`);
  return textOf(value);
};

const resolvedParameter = (parameter: Parameter, scope: TemplateScope): Parameter => {
  const { valueFrom, ...rest } = parameter;
  try {
    return { ...rest, value: parameterValue(parameter, scope) };
  } catch (error) {
    if (valueFrom?.default === undefined) throw error;
    messageOf(error);
    return { ...rest, value: anyString(valueFrom.default) };
  }
};

const resolvedArtifacts = (artifact: Artifact, scope: TemplateScope): Artifact[] => {
  try {
    const { globalName } = artifact;
    return [{ ...resolveArtifact(artifact, scope), ...(globalName === undefined ? {} : { globalName }) }];
  } catch (error) {
    if (artifact.optional === true) return [];
    throw new ExecutionError(`unable to resolve outputs from scope: ${messageOf(error)}`, { cause: error });
  }
};

/** Outputs of a Steps or DAG template from what its steps or tasks gave; undefined where it declares none (Argo's getTemplateOutputsFromScope). */
export const templateOutputs = (template: Template, scope: TemplateScope): Outputs | undefined => {
  const parameters = template.outputs?.parameters ?? [];
  const artifacts = template.outputs?.artifacts ?? [];
  if (parameters.length === 0 && artifacts.length === 0) return undefined;
  return {
    ...(parameters.length === 0 ? {} : { parameters: parameters.map((parameter) => resolvedParameter(parameter, scope)) }),
    ...(artifacts.length === 0 ? {} : { artifacts: artifacts.flatMap((artifact) => resolvedArtifacts(artifact, scope)) }),
  };
};
