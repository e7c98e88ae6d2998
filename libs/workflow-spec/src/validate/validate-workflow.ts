import { parseDuration } from '../durations.js';
import { UserError, WorkflowInvalidError } from '../errors.js';
import type { Arguments, ObjectMeta, Workflow, WorkflowSpec } from '../model/workflow.js';
import { assertArguments } from './arguments.js';
import { assertHooks } from './call-scope.js';
import { assertMetrics } from './metric-rules.js';
import { assertNames, containsParameter, fieldNameProblems } from './field-names.js';
import { anyArguments, suppliedArguments } from './process-arguments.js';
import { ANY_OUTPUT_ARTIFACT } from './scope.js';
import {
  templateKey,
  templateNotFoundMessage,
  type TemplateGetter,
  type TemplateKey,
  type TemplateSource,
} from './template-source.js';
import { TemplateNotLoaded, TemplateValidator, type ResolvedReference } from './template-validator.js';
import { withPlace, type Call } from './validation-context.js';

export interface ValidationOptions {
  /** Answers `undefined` for what has not been loaded: the result then says what is missing. Default: nothing exists. */
  templates?: TemplateGetter;
  /** Parameters without a value are fine: they come with the submission. */
  lint?: boolean;
  /** A WorkflowTemplate by itself: no entrypoint needed, its caller may bring parameters. */
  asTemplate?: boolean;
}

/** `missing`: load these and validate again. `references`: the templates of other resources that are used, as `status.storedTemplates` keys them. */
export type ValidationResult = { missing: TemplateKey[] } | { missing: []; references: ResolvedReference[] };

const NAME_LIMIT = 63;
const POD_GC_STRATEGIES = new Set(['', 'OnPodCompletion', 'OnPodSuccess', 'OnWorkflowCompletion', 'OnWorkflowSuccess']);

const mergeByName = <T extends { name: string }>(own: T[] = [], others: T[] = []): T[] => {
  const names = new Set(own.map(({ name }) => name));
  return [...own, ...others.filter(({ name }) => !names.has(name))];
};

/** The workflow's arguments, filled up with those of the template it refers to. */
export const mergeArguments = (own: Arguments | undefined, others: Arguments | undefined): Arguments => ({
  parameters: mergeByName(own?.parameters, others?.parameters),
  artifacts: mergeByName(own?.artifacts, others?.artifacts),
});

interface Subject {
  validator: TemplateValidator;
  metadata: ObjectMeta;
  spec: WorkflowSpec;
  /** The spec of `workflowTemplateRef`. */
  referred: WorkflowSpec | undefined;
  arguments: Arguments;
  options: ValidationOptions;
}

const loadReferred = (spec: WorkflowSpec, namespace: string, getter: TemplateGetter): WorkflowSpec | undefined => {
  if (spec.workflowTemplateRef === undefined) return undefined;
  if ((spec.templates?.length ?? 0) > 0) {
    throw new WorkflowInvalidError('Templates is invalid field in spec if workflow referred WorkflowTemplate reference');
  }
  const key = templateKey(namespace, spec.workflowTemplateRef);
  const referred = getter(key);
  if (referred === undefined) throw new TemplateNotLoaded(key);
  if (referred === null) throw new WorkflowInvalidError(templateNotFoundMessage(key));
  return referred;
};

const declareMetadata = ({ validator, metadata, spec, referred }: Subject): void => {
  const sources = [metadata, spec.workflowMetadata, referred?.workflowMetadata];
  for (const kind of ['annotations', 'labels'] as const) {
    for (const key of sources.flatMap((source) => Object.keys(source?.[kind] ?? {})))
      validator.declare(`workflow.${kind}.${key}`);
    validator.declare(`workflow.${kind}`);
    validator.declare(`workflow.${kind}.json`);
  }
  for (const source of [spec, referred]) {
    for (const key of Object.keys(source?.workflowMetadata?.labelsFrom ?? {})) validator.declare(`workflow.labels.${key}`);
  }
};

const declareGlobals = (subject: Subject): void => {
  const { validator, spec } = subject;
  for (const name of ['name', 'namespace', 'mainEntrypoint', 'serviceAccountName', 'uid', 'status'])
    validator.declare(`workflow.${name}`);
  const parameters = subject.arguments.parameters ?? [];
  if (parameters.length > 0) {
    validator.declare('workflow.parameters');
    validator.declare('workflow.parameters.json');
  }
  for (const { name, value } of parameters) validator.declare(`workflow.parameters.${name}`, value);
  declareMetadata(subject);
  if (spec.priority !== undefined) validator.declare('workflow.priority', String(spec.priority));
};

/** Calls from the top go to the referred template where there is one. */
const topCall = ({ spec }: Subject, template: string): Call =>
  spec.workflowTemplateRef === undefined ? { template } : { templateRef: { ...spec.workflowTemplateRef, template } };

const validateEntrypoint = (subject: Subject, source: TemplateSource): void => {
  const { validator, spec, referred, options } = subject;
  // Argo asks the referred template only where the workflow names no entrypoint itself.
  const entrypoint = spec.entrypoint || (referred?.entrypoint ?? '');
  if (options.asTemplate === true && (spec.entrypoint ?? '') === '') return;
  if (entrypoint === '') throw new WorkflowInvalidError('spec.entrypoint is required');
  const provider = options.asTemplate === true ? anyArguments(validator.placeholders) : suppliedArguments(subject.arguments);
  validator.validateCall(topCall(subject, entrypoint), source, provider);
};

const validateExitHandler = (subject: Subject, source: TemplateSource): void => {
  const { validator, spec, referred } = subject;
  const handler = spec.onExit || referred?.onExit;
  if (!handler) return;
  validator.declare('workflow.failures');
  const outputs = [spec, referred]
    .flatMap((each) => each?.templates ?? [])
    .flatMap((template) => template.outputs?.artifacts ?? []);
  if (outputs.some(({ globalName }) => globalName !== undefined && containsParameter(globalName)))
    validator.declare(ANY_OUTPUT_ARTIFACT);
  validator.validateCall(topCall(subject, handler), source, suppliedArguments(spec.arguments));
};

const validateEveryTemplate = (subject: Subject, source: TemplateSource): void => {
  const { validator, spec, referred } = subject;
  for (const { name = '' } of (referred ?? spec).templates ?? []) {
    withPlace(`templates.${name}`, () =>
      validator.validateCall(topCall(subject, name), source, anyArguments(validator.placeholders)),
    );
  }
};

const assertDelay = (duration: string | undefined): void => {
  if (duration === undefined || duration === '') return;
  try {
    parseDuration(duration);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw new WorkflowInvalidError(`podGC.deleteDelayDuration: ${error.message}`, { cause: error });
  }
};

const validateSubject = (subject: Subject): void => {
  const { spec, options } = subject;
  assertNames('spec.templates', spec.templates, fieldNameProblems);
  assertArguments('spec.arguments.', subject.arguments, options.lint === true || options.asTemplate === true);
  declareGlobals(subject);
  const source: TemplateSource = { scope: 'local/', spec };
  validateEntrypoint(subject, source);
  validateExitHandler(subject, source);
  assertHooks(spec.hooks, 'hooks');
  const strategy = spec.podGC?.strategy ?? '';
  if (!POD_GC_STRATEGIES.has(strategy)) throw new WorkflowInvalidError(`podGC.strategy unknown strategy '${strategy}'`);
  assertDelay(spec.podGC?.deleteDelayDuration);
  assertMetrics('spec', spec.metrics);
  validateEveryTemplate(subject, source);
};

const assertNameLength = (kind: string, name: string | undefined): void => {
  if (name !== undefined && name.length > NAME_LIMIT) {
    throw new WorkflowInvalidError(
      `${kind} name ${JSON.stringify(name)} must not be more than ${NAME_LIMIT} characters long (currently ${name.length})`,
    );
  }
};

const runValidation = (metadata: ObjectMeta, spec: WorkflowSpec, options: ValidationOptions): ValidationResult => {
  const getter = options.templates ?? (() => null);
  const namespace = metadata.namespace ?? '';
  const validator = new TemplateValidator(getter, namespace, options.asTemplate === true);
  try {
    const referred = loadReferred(spec, namespace, getter);
    const merged = referred === undefined ? (spec.arguments ?? {}) : mergeArguments(spec.arguments, referred.arguments);
    validateSubject({ validator, metadata, spec, referred, arguments: merged, options });
  } catch (error) {
    if (error instanceof TemplateNotLoaded) return { missing: [error.key] };
    if (error instanceof RangeError) throw new WorkflowInvalidError('templates call each other too deeply');
    throw error;
  }
  return { missing: [], references: validator.references };
};

/**
 * Argo's validation of a workflow (workflow/validate, v4.1): throws WorkflowInvalidError with Argo's message, which names the place from the
 * entrypoint down. Where a referred template has not been loaded, the answer names it instead.
 */
export const validateWorkflow = (
  workflow: Pick<Workflow, 'metadata' | 'spec'>,
  options: ValidationOptions = {},
): ValidationResult => {
  assertNameLength('workflow', workflow.metadata.name);
  return runValidation(workflow.metadata, workflow.spec, options);
};

/** The same for a WorkflowTemplate or ClusterWorkflowTemplate by itself: an entrypoint and parameter values are not needed. */
export const validateWorkflowTemplate = (
  template: { kind?: string; metadata: ObjectMeta; spec: WorkflowSpec },
  options: Omit<ValidationOptions, 'asTemplate'> = {},
): ValidationResult => {
  const kind = template.kind === 'ClusterWorkflowTemplate' ? 'cluster workflow template' : 'workflow template';
  assertNameLength(kind, template.metadata.name);
  return runValidation(template.metadata, template.spec, { ...options, asTemplate: true });
};
