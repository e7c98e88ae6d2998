import {
  assertSupported,
  type Decoded,
  decodeClusterWorkflowTemplate,
  decodeCronWorkflow,
  decodeWorkflow,
  decodeWorkflowTemplate,
  type TemplateGetter,
  templateKeyId,
  UserError,
  validateCronWorkflow,
  validateWorkflow,
  validateWorkflowTemplate,
  type WorkflowSpec,
} from '#libs/workflow-spec';
import type { LintFinding } from '../commands/lint.js';
import type { ManifestDocument } from '../commands/manifests.js';

type Check = (object: unknown, templates: TemplateGetter) => void;

const supported = <Kind>(decoded: Decoded<Kind>): Kind => {
  assertSupported(decoded);
  return decoded.object;
};

const CHECKS: Readonly<Record<string, Check>> = {
  Workflow: (object, templates) => void validateWorkflow(supported(decodeWorkflow(object)), { templates, lint: true }),
  WorkflowTemplate: (object, templates) =>
    void validateWorkflowTemplate(supported(decodeWorkflowTemplate(object)), { templates, lint: true }),
  ClusterWorkflowTemplate: (object, templates) =>
    void validateWorkflowTemplate(supported(decodeClusterWorkflowTemplate(object)), { templates, lint: true }),
  CronWorkflow: (object, templates) =>
    void validateCronWorkflow(supported(decodeCronWorkflow(object)), { templates, lint: true }),
};

/** Templates of the given documents, in whatever order they stand; what is not among them does not exist. */
const templatesOf = (documents: readonly ManifestDocument[]): TemplateGetter => {
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

/** Argo's rules over files alone: references are looked for among the given documents. */
export const lintOffline = (documents: readonly ManifestDocument[]): LintFinding[] => {
  const templates = templatesOf(documents);
  return documents.map(({ file, object }) => {
    const label = `${object.kind ?? 'object'} ${object.metadata?.name ?? ''}`.trim();
    const check = CHECKS[object.kind ?? ''];
    if (!check) return { file, object: label };
    try {
      check(object, templates);
      return { file, object: label };
    } catch (error) {
      if (error instanceof UserError) return { file, object: label, message: error.message };
      throw error;
    }
  });
};
