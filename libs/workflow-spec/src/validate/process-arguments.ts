import { WorkflowInvalidError } from '../errors.js';
import { findTags } from '../tags.js';
import type { Arguments, Artifact, ArtifactLocation, Parameter, Template } from '../model/workflow.js';

/** Stands for values that are known only at run time. */
const PLACEHOLDER_PREFIX = 'placeholder-';
export const isPlaceholder = (text: string): boolean => text.startsWith(PLACEHOLDER_PREFIX);
export const containsPlaceholder = (text: string): boolean => text.includes(PLACEHOLDER_PREFIX);

/** Gives placeholders; one per validation, so that validating is a pure function of the workflow. */
export class Placeholders {
  private count = 0;

  next(): string {
    this.count += 1;
    return `${PLACEHOLDER_PREFIX}${this.count}`;
  }
}

/** Who calls a template with what. */
export interface ArgumentsProvider {
  parameter(name: string): Parameter | undefined;
  artifact(name: string): Artifact | undefined;
}

export const suppliedArguments = (supplied: Arguments | undefined): ArgumentsProvider => ({
  parameter: (name) => supplied?.parameters?.find((parameter) => parameter.name === name),
  artifact: (name) => supplied?.artifacts?.find((artifact) => artifact.name === name),
});

/** A caller that supplies whatever is asked for. */
export const anyArguments = (placeholders: Placeholders): ArgumentsProvider => ({
  parameter: (name) => ({ name, value: placeholders.next() }),
  artifact: (name) => ({ name }),
});

/** The field that each driver cannot do without; where it alone is given, the default repository completes it. */
const ESSENTIAL: Readonly<Record<string, readonly string[]>> = {
  s3: ['key'],
  gcs: ['key'],
  oss: ['key'],
  azure: ['blob'],
  filesystem: ['key'],
  http: ['url'],
  artifactory: ['url'],
  git: ['repo'],
  hdfs: ['path', 'addresses'],
  plugin: ['key', 'configuration'],
};

/** Whether an artifact says where it lies, be it only by a key in the default repository (Argo's HasLocationOrKey). */
export const hasLocation = (artifact: ArtifactLocation): boolean =>
  artifact.raw !== undefined ||
  Object.entries(ESSENTIAL).some(([driver, fields]) => {
    const location = artifact[driver as keyof ArtifactLocation] as Record<string, unknown> | undefined;
    return fields.some((field) => Boolean(location?.[field]));
  });

const boundParameter = (parameter: Parameter, supplied: Parameter | undefined): Parameter => {
  const bound = { ...parameter };
  if (bound.value === undefined && bound.default !== undefined) bound.value = bound.default;
  if (supplied?.value !== undefined) bound.value = supplied.value;
  else if (supplied?.valueFrom !== undefined) bound.valueFrom = supplied.valueFrom;
  if (bound.value === undefined && bound.valueFrom === undefined) {
    throw new WorkflowInvalidError(`inputs.parameters.${parameter.name} was not supplied`);
  }
  return bound;
};

const boundArtifact = (artifact: Artifact, supplied: Artifact | undefined): Artifact => {
  if (hasLocation(artifact)) return artifact;
  if (supplied === undefined) {
    if (artifact.optional !== true) throw new WorkflowInvalidError(`inputs.artifacts.${artifact.name} was not supplied`);
    return artifact;
  }
  const { name: _name, ...location } = supplied;
  const bound = { ...artifact, ...location };
  return artifact.path === undefined ? bound : { ...bound, path: artifact.path };
};

const replaceTag = (content: string, values: ReadonlyMap<string, string>): string | undefined => {
  const value = values.get(content.trim());
  if (value !== undefined) return JSON.stringify(value).slice(1, -1);
  const nested = content.lastIndexOf('{{');
  const inner = nested > 0 ? values.get(content.slice(nested + 2)) : undefined;
  return inner === undefined ? undefined : `{{${content.slice(0, nested)}${JSON.stringify(inner).slice(1, -1)}`;
};

/** Replaces the plain tags that have a value in a JSON text; all others stay. */
const fillTags = (json: string, values: ReadonlyMap<string, string>): string => {
  let filled = '';
  let position = 0;
  for (const { content, start, end, isExpression } of findTags(json)) {
    const replacement = isExpression ? undefined : replaceTag(content, values);
    if (replacement === undefined) continue;
    filled += json.slice(position, start) + replacement;
    position = end;
  }
  return filled + json.slice(position);
};

const pathsOf = (direction: 'inputs' | 'outputs', artifacts: readonly Artifact[] = []): [string, string][] =>
  artifacts.flatMap(({ name, path }) => (path ? [[`${direction}.artifacts.${name}.path`, path]] : []));

const parameterPaths = (parameters: readonly Parameter[] = []): [string, string][] =>
  parameters.flatMap(({ name, valueFrom }) => (valueFrom?.path ? [[`outputs.parameters.${name}.path`, valueFrom.path]] : []));

const parameterValues = (parameters: readonly Parameter[] = []): [string, string][] =>
  parameters.flatMap(({ name, value }) => (value === undefined ? [] : [[`inputs.parameters.${name}`, value]]));

const inputValues = ({ inputs, outputs }: Template): Map<string, string> =>
  new Map([
    ...parameterValues(inputs?.parameters),
    ...(inputs?.parameters === undefined
      ? []
      : ([['inputs.parameters', JSON.stringify(inputs.parameters)]] as [string, string][])),
    ...pathsOf('inputs', inputs?.artifacts),
    ...pathsOf('outputs', outputs?.artifacts),
    ...parameterPaths(outputs?.parameters),
  ]);

/**
 * Binds arguments to a template's inputs and fills in what is known before it runs: globals and locals first, then inputs
 * (Argo's common.ProcessArgs with validateOnly). Errors without the template's name: `inputs.parameters.x was not supplied`.
 */
export const processArguments = (
  template: Template,
  provider: ArgumentsProvider,
  known: ReadonlyMap<string, string>,
): Template => {
  const bound: Template = { ...template };
  if (template.inputs !== undefined) {
    bound.inputs = { ...template.inputs };
    const { parameters, artifacts } = template.inputs;
    if (parameters) bound.inputs.parameters = parameters.map((item) => boundParameter(item, provider.parameter(item.name)));
    if (artifacts) bound.inputs.artifacts = artifacts.map((item) => boundArtifact(item, provider.artifact(item.name)));
  }
  const json = JSON.stringify(bound);
  if (!json.includes('{{')) return bound;
  const withGlobals = fillTags(json, known);
  return JSON.parse(fillTags(withGlobals, inputValues(JSON.parse(withGlobals) as Template))) as Template;
};
