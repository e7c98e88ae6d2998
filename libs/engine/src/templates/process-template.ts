import { createScope, substituteJson, type Scope } from '#libs/expressions';
import {
  anyString,
  isPodTemplateType,
  podName,
  templateTypeOf,
  type Arguments,
  type Artifact,
  type Parameter,
  type Template,
} from '#libs/workflow-spec';
import { factId } from '../contract.js';
import { ExecutionError } from '../errors.js';
import { asJson, copyOf, type Pass, type StartRequest } from '../pass.js';
import { globalScope } from '../scope/globals.js';
import { ABSENT_OPTIONAL } from '../scope/absent-optional.js';
import type { TreeNode } from '../state/tree-node.js';
import { innerScope, resolveTemplate, withDefaults } from './resolve-template.js';

const hasValue = (parameter: Parameter | undefined): boolean => parameter?.value !== undefined && parameter.value !== null;

const configMapValue = (pass: Pass, parameter: Parameter): string | undefined => {
  const reference = parameter.valueFrom?.configMapKeyRef;
  if (reference === undefined) return undefined;
  const key = { kind: 'configMapKey', namespace: pass.state.namespace, name: reference.name, key: reference.key } as const;
  const fact = pass.input.facts.get(factId(key));
  if (fact === undefined) {
    pass.missing.set(factId(key), key);
    throw new MissingFact();
  }
  if (fact?.kind === 'text') return fact.value;
  if (parameter.valueFrom?.default !== undefined) return anyString(parameter.valueFrom.default);
  throw new ExecutionError(
    `failed to retrieve inputs.parameters.${parameter.name} from ConfigMap ${reference.name}: key ${reference.key} not found`,
  );
};

/** Thrown while a template is prepared where a fact has to be loaded first; nothing has been changed then. */
export class MissingFact extends Error {}

/** Argument, then the input's own value, then its default (Argo's ProcessArgs). */
const inputParameter = (pass: Pass, input: Parameter, supplied: Parameter | undefined): Parameter => {
  const own: Parameter = { ...input };
  const given = supplied?.value === ABSENT_OPTIONAL ? undefined : supplied;
  if (given !== undefined && hasValue(given)) own.value = anyString(given.value);
  else if (given?.valueFrom !== undefined) own.valueFrom = given.valueFrom;
  if (own.valueFrom !== undefined && !hasValue(given)) {
    const read = configMapValue(pass, own);
    if (read !== undefined) {
      own.value = read;
      delete own.valueFrom;
    }
  }
  if (!hasValue(own) && own.default !== undefined) own.value = anyString(own.default);
  if (!hasValue(own) && supplied?.value === ABSENT_OPTIONAL) {
    throw new ExecutionError(
      `inputs.parameters.${input.name}: argument references an absent optional (skipped/omitted node output with no default)`,
    );
  }
  if (own.value?.includes(ABSENT_OPTIONAL) === true) {
    throw new ExecutionError(
      `inputs.parameters.${input.name}: argument references an absent optional (skipped/omitted node output with no default)`,
    );
  }
  if (!hasValue(own)) throw new ExecutionError(`inputs.parameters.${input.name} was not supplied`);
  if (own.enum !== undefined && own.enum.length > 0 && !own.enum.includes(own.value ?? '')) {
    throw new ExecutionError(`inputs.parameters.${input.name} value "${own.value ?? ''}" is not part of enum`);
  }
  return own;
};

const LOCATION_FIELDS = [
  's3',
  'raw',
  'filesystem',
  'http',
  'git',
  'gcs',
  'oss',
  'azure',
  'hdfs',
  'artifactory',
  'plugin',
] as const;
const hasLocation = (artifact: Artifact): boolean => LOCATION_FIELDS.some((field) => artifact[field] !== undefined);

const inputArtifact = (input: Artifact, supplied: Artifact | undefined): Artifact | undefined => {
  if (supplied === undefined) {
    if (hasLocation(input)) return input;
    if (input.optional === true) return undefined;
    throw new ExecutionError(`inputs.artifacts.${input.name} was not supplied`);
  }
  if (!hasLocation(supplied) && supplied.optional !== true && input.optional !== true) {
    throw new ExecutionError(`inputs.artifacts.${input.name} missing location information`);
  }
  const { path, mode, recurseMode } = input;
  return {
    ...supplied,
    ...(path === undefined ? {} : { path }),
    ...(mode === undefined ? {} : { mode }),
    ...(recurseMode === undefined ? {} : { recurseMode }),
    ...(input.optional === undefined ? {} : { optional: input.optional }),
  };
};

/** The template with the values of its inputs in `inputs`. Throws ExecutionError where one is missing. */
const withArguments = (pass: Pass, template: Template, args: Arguments): Template => {
  const parameters = template.inputs?.parameters?.map((input) =>
    inputParameter(
      pass,
      input,
      args.parameters?.find((argument) => argument.name === input.name),
    ),
  );
  const artifacts = template.inputs?.artifacts?.flatMap((input) => {
    const resolved = inputArtifact(
      input,
      args.artifacts?.find((argument) => argument.name === input.name),
    );
    return resolved === undefined ? [] : [resolved];
  });
  if (template.inputs === undefined) return template;
  return {
    ...template,
    inputs: {
      ...template.inputs,
      ...(parameters === undefined ? {} : { parameters }),
      ...(artifacts === undefined ? {} : { artifacts }),
    },
  };
};

const inputVariables = (template: Template): Map<string, string> => {
  const variables = new Map<string, string>();
  const parameters = template.inputs?.parameters ?? [];
  for (const parameter of parameters)
    if (parameter.value !== undefined) variables.set(`inputs.parameters.${parameter.name}`, parameter.value);
  if (parameters.length > 0) variables.set('inputs.parameters', JSON.stringify(parameters));
  for (const artifact of template.inputs?.artifacts ?? [])
    if (artifact.path) variables.set(`inputs.artifacts.${artifact.name}.path`, artifact.path);
  for (const artifact of template.outputs?.artifacts ?? [])
    if (artifact.path) variables.set(`outputs.artifacts.${artifact.name}.path`, artifact.path);
  for (const parameter of template.outputs?.parameters ?? []) {
    if (parameter.valueFrom?.path) variables.set(`outputs.parameters.${parameter.name}.path`, parameter.valueFrom.path);
  }
  return variables;
};

/** Both passes of Argo's SubstituteParams: globals and locals first, then the inputs, whose values may have come from them. */
const substituted = (template: Template, outer: Scope): Template => {
  const first = substituteJson(template, outer);
  return substituteJson(first, createScope(inputVariables(first), outer));
};

const localVariables = (
  pass: Pass,
  request: Pick<StartRequest, 'nodeName' | 'kind' | 'invocation'>,
  podTemplate: Template | undefined,
): Map<string, string> => {
  const locals = new Map([['node.name', request.nodeName]]);
  if (request.kind === 'task') locals.set('tasks.name', request.invocation.name);
  if (request.kind === 'step') locals.set('steps.name', request.invocation.name);
  if (podTemplate !== undefined) locals.set('pod.name', podNameOf(pass, request.nodeName, podTemplate.name ?? ''));
  return locals;
};

/** The name of a node's pod, in the format that this workflow was started with. */
export const podNameOf = (pass: Pass, nodeName: string, templateName: string): string => {
  const { state } = pass;
  const id = state.byName(nodeName)?.id ?? '';
  return podName({ workflowName: state.name, nodeName, templateName, nodeId: id }, pass.config.podNames);
};

/** A template ready to run, and where names inside of it are looked up. */
export interface ProcessedTemplate {
  template: Template;
  scope: string;
}

/**
 * Resolves the template of a request, merges defaults, gives its inputs their values and replaces what can be replaced now.
 * Throws ExecutionError (Argo's message) or MissingFact.
 */
export const processTemplate = (pass: Pass, request: StartRequest): ProcessedTemplate => {
  const resolved = resolveTemplate(pass, request.scope, request.invocation);
  if (resolved.type === 'missing') {
    pass.missing.set(factId(resolved.key), resolved.key);
    throw new MissingFact();
  }
  const template = withDefaults(pass, resolved.template);
  const supplied = withArguments(pass, copyOf(template), request.invocation.arguments ?? {});
  const isDirectPod = isPodTemplateType(templateTypeOf(template)) && retryStrategyOf(pass, template) === undefined;
  const locals = localVariables(pass, request, isDirectPod ? template : undefined);
  const outer = createScope(locals, globalScope(pass.state, pass.nowMs));
  return { template: substituted(supplied, outer), scope: resolved.scope };
};

/** The template's own retry strategy, else the workflow's. */
export const retryStrategyOf = (pass: Pass, template: Template): Template['retryStrategy'] =>
  template.retryStrategy ?? pass.state.spec.retryStrategy;

/**
 * The processed template of a node that exists, made again from the values in its inputs; kept while the state is in memory.
 * `locals` are variables that only this node has (an attempt's).
 */
export const templateOf = (pass: Pass, node: TreeNode, locals: ReadonlyMap<string, string> = new Map()): Template =>
  pass.state.derived.of(node.id, 'template', () => {
    const { status } = node;
    const holder = {
      name: node.memory.name ?? '',
      ...(status.templateName === undefined ? {} : { template: status.templateName }),
      ...(status.templateRef === undefined ? {} : { templateRef: status.templateRef }),
      ...inlineOf(node),
    };
    const resolved = resolveTemplate(pass, status.templateScope ?? '', holder);
    if (resolved.type === 'missing') {
      pass.missing.set(factId(resolved.key), resolved.key);
      throw new MissingFact();
    }
    const template = copyOf(withDefaults(pass, resolved.template));
    if (status.inputs !== undefined) template.inputs = copyOf(status.inputs);
    const own = new Map([['node.name', status.name]]);
    return substituted(template, createScope(new Map([...own, ...locals]), globalScope(pass.state, pass.nowMs)));
  });

const inlineOf = (node: TreeNode): { inline?: Template } => {
  if (node.status.templateName !== undefined || node.status.templateRef !== undefined) return {};
  const inline = node.memory['inline'];
  return inline === undefined ? {} : { inline: asJson(inline) as unknown as Template };
};

/** Where names inside the template of a node are looked up. */
export const scopeInside = (node: TreeNode): string => innerScope(node);
