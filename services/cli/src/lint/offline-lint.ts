import {
  assertSupported,
  type CronWorkflow,
  type Decoded,
  decodeClusterWorkflowTemplate,
  decodeCronWorkflow,
  decodeWorkflow,
  decodeWorkflowTemplate,
  type DecodeOptions,
  type TemplateGetter,
  templateKeyId,
  validateCronWorkflow,
  validateWorkflow,
  validateWorkflowTemplate,
  type WorkflowSpec,
} from '#libs/workflow-spec';
import type { ManifestDocument } from '../commands/manifests.js';

const supported = <Kind>(decoded: Decoded<Kind>): Kind => {
  assertSupported(decoded);
  return decoded.object;
};

interface LintedKind {
  decode(object: unknown, options: DecodeOptions): Decoded<unknown>;
  check(object: unknown, templates: TemplateGetter, options: DecodeOptions): void;
}

/** Kinds that the linter knows; it passes over all others, as Argo's does. */
export const LINTED_KINDS: Readonly<Record<string, LintedKind>> = {
  Workflow: {
    decode: decodeWorkflow,
    check: (object, templates, options) =>
      void validateWorkflow(supported(decodeWorkflow(object, options)), { templates, lint: true }),
  },
  WorkflowTemplate: {
    decode: decodeWorkflowTemplate,
    check: (object, templates, options) =>
      void validateWorkflowTemplate(supported(decodeWorkflowTemplate(object, options)), { templates, lint: true }),
  },
  ClusterWorkflowTemplate: {
    decode: decodeClusterWorkflowTemplate,
    check: (object, templates, options) =>
      void validateWorkflowTemplate(supported(decodeClusterWorkflowTemplate(object, options)), { templates, lint: true }),
  },
  CronWorkflow: {
    decode: decodeCronWorkflow,
    check: (object, templates, options) =>
      void validateCronWorkflow(supported(decodeCronWorkflow(object, options)), { templates, lint: true }),
  },
};

/** Templates of the given documents, in whatever order they stand; what is not among them does not exist. */
export const templatesOf = (documents: readonly ManifestDocument[]): TemplateGetter => {
  const specs = new Map<string, WorkflowSpec>();
  for (const { object } of documents) {
    const name = object.metadata?.name;
    const spec = object['spec'] as WorkflowSpec | undefined;
    if (name === undefined || spec === undefined) continue;
    if (object.kind === 'ClusterWorkflowTemplate') specs.set(templateKeyId({ kind: 'clusterWorkflowTemplate', name }), spec);
    if (object.kind === 'WorkflowTemplate') {
      specs.set(templateKeyId({ kind: 'workflowTemplate', namespace: object.metadata?.namespace ?? '', name }), spec);
    }
  }
  return (key) =>
    specs.get(templateKeyId(key)) ??
    (key.kind === 'workflowTemplate' ? specs.get(templateKeyId({ ...key, namespace: '' })) : undefined) ??
    null;
};

/** The workflow spec of an object that decodes, and the path to it; undefined where it has none. */
export const specIn = (object: unknown, kind: string): { spec: WorkflowSpec; root: string[] } | undefined => {
  const decoded = LINTED_KINDS[kind]?.decode(object, { unknownFields: 'drop' }).object;
  if (kind === 'CronWorkflow') {
    const spec = (decoded as CronWorkflow).spec.workflowSpec;
    return spec && { spec, root: ['spec', 'workflowSpec'] };
  }
  return decoded === undefined ? undefined : { spec: (decoded as { spec: WorkflowSpec }).spec, root: ['spec'] };
};

/** Argo's rules over one document alone: references are looked for among `templates`. Throws UserError in Argo's words. */
export const checkOffline = (document: ManifestDocument, templates: TemplateGetter, options: DecodeOptions): void =>
  LINTED_KINDS[document.object.kind ?? '']?.check(document.object, templates, options);
