import { createScope, substituteJson, type Scope } from '#libs/expressions';
import { AnnotationName, isPodTemplateType, nodeId, podName, templateTypeOf, type Template } from '#libs/workflow-spec';
import { factId } from '../contract.js';
import { asJson, copyOf, type Pass, type StartRequest } from '../pass.js';
import { timeoutsOf } from '../limits/timeouts.js';
import { recall, type Recollection } from '../memoization/recall.js';
import { annotatedName } from '../node-tree/shown-name.js';
import { globalScope } from '../scope/globals.js';
import type { TreeNode } from '../state/tree-node.js';
import { MissingFact, withArguments } from './inputs.js';
import { innerScope, resolveTemplate, withDefaults } from './resolve-template.js';

const present = (entries: readonly (readonly [string, string | undefined])[]): [string, string][] =>
  entries.flatMap(([name, value]): [string, string][] => (value === undefined || value === '' ? [] : [[name, value]]));

/** Variables of a template's own inputs and output paths. */
const inputVariables = ({ inputs, outputs }: Template): Map<string, string> => {
  const parameters = inputs?.parameters ?? [];
  return new Map([
    ...parameters.flatMap(({ name, value }): [string, string][] =>
      value === undefined ? [] : [[`inputs.parameters.${name}`, value]],
    ),
    ...(parameters.length === 0 ? [] : [['inputs.parameters', JSON.stringify(parameters)] as const]),
    ...present((inputs?.artifacts ?? []).map(({ name, path }) => [`inputs.artifacts.${name}.path`, path])),
    ...present((outputs?.artifacts ?? []).map(({ name, path }) => [`outputs.artifacts.${name}.path`, path])),
    ...present((outputs?.parameters ?? []).map(({ name, valueFrom }) => [`outputs.parameters.${name}.path`, valueFrom?.path])),
  ]);
};

/** Both passes of Argo's SubstituteParams: globals and locals first, then the inputs, whose values may have come from them. */
const substituted = ({ nowMs }: Pass, template: Template, outer: Scope): Template => {
  const first = substituteJson(template, outer, { nowMs });
  return substituteJson(first, createScope(inputVariables(first), outer), { nowMs });
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
  const id = state.idFor(nodeName);
  const usual = nodeId(state.name, nodeName);
  const format = state.header.annotations[AnnotationName.podNameFormat] ?? pass.config.podNames;
  const name = podName({ workflowName: state.name, nodeName, templateName, nodeId: id }, format === 'v1' ? 'v1' : 'v2');
  return id === usual ? name : name.replace(/-\d+$/, id.slice(state.name.length));
};

/** A template ready to run, and where names inside of it are looked up. */
export interface ProcessedTemplate {
  template: Template;
  scope: string;
  /** What its cache says, where it has one. */
  known?: Recollection;
}

/** What can be wrong with a processed template before anything of it begins. Throws ExecutionError. */
const assertStartable = (template: Template): void => {
  annotatedName(template);
  timeoutsOf(template);
};

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
  const ready = substituted(pass, supplied, outer);
  assertStartable(ready);
  const known = recall(pass, ready);
  return { template: ready, scope: resolved.scope, ...(known === undefined ? {} : { known }) };
};

/** The workflow's strategy for templates without one, its tags replaced. */
const commonRetryStrategy = (pass: Pass): Template['retryStrategy'] => {
  const { retryStrategy } = pass.state.spec;
  if (retryStrategy === undefined) return undefined;
  return pass.state.derived.of('', 'retryStrategy', () => substituteJson(retryStrategy, globalScope(pass.state, pass.nowMs)));
};

/** The template's own retry strategy, else the workflow's. */
export const retryStrategyOf = (pass: Pass, template: Template): Template['retryStrategy'] =>
  template.retryStrategy ?? commonRetryStrategy(pass);

/** The template of a node that exists as it was written, its defaults below it; that of an attempt stands at its series. Throws ExecutionError or MissingFact. */
export const writtenTemplateOf = (pass: Pass, node: TreeNode): Template => {
  const { status, memory } = node.memory.role === 'attempt' ? (pass.state.find(node.memory.owner) ?? node) : node;
  const holder = {
    name: memory.name ?? '',
    ...(status.templateName === undefined ? {} : { template: status.templateName }),
    ...(status.templateRef === undefined ? {} : { templateRef: status.templateRef }),
    ...inlineOf({ status, memory }),
  };
  const resolved = resolveTemplate(pass, status.templateScope ?? '', holder);
  if (resolved.type === 'missing') {
    pass.missing.set(factId(resolved.key), resolved.key);
    throw new MissingFact();
  }
  return withDefaults(pass, resolved.template);
};

/**
 * The processed template of a node that exists, made again from the values in its inputs; kept while the state is in memory.
 * `locals` are variables that only this node has (an attempt's).
 */
export const templateOf = (pass: Pass, node: TreeNode, locals: ReadonlyMap<string, string> = new Map()): Template =>
  pass.state.derived.of(node.id, 'template', () => {
    const { status } = node;
    const template = copyOf(writtenTemplateOf(pass, node));
    if (status.inputs !== undefined) template.inputs = copyOf(status.inputs);
    const own = new Map([['node.name', status.name]]);
    return substituted(pass, template, createScope(new Map([...own, ...locals]), globalScope(pass.state, pass.nowMs)));
  });

const inlineOf = (node: Pick<TreeNode, 'status' | 'memory'>): { inline?: Template } => {
  if (node.status.templateName !== undefined || node.status.templateRef !== undefined) return {};
  const inline = node.memory['inline'];
  return inline === undefined ? {} : { inline: asJson(inline) as unknown as Template };
};

/** Where names inside the template of a node are looked up. */
export const scopeInside = (node: TreeNode): string => innerScope(node);
