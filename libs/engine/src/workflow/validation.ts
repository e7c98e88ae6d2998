import {
  validateWorkflow,
  WorkflowInvalidError,
  type ResolvedReference,
  type TemplateKey,
  type WorkflowSpec,
  type WorkflowStatus,
} from '#libs/workflow-spec';
import { factId, type FactKey } from '../contract.js';
import type { Pass } from '../pass.js';
import { ownSpecOf } from './controller-defaults.js';

const factKeyOf = (key: TemplateKey): FactKey =>
  key.kind === 'clusterWorkflowTemplate'
    ? { kind: 'clusterWorkflowTemplate', name: key.name }
    : { kind: 'workflowTemplate', namespace: key.namespace, name: key.name };

const loaded = (pass: Pass, key: TemplateKey): WorkflowSpec | null | undefined => {
  const fact = pass.input.facts.get(factId(factKeyOf(key)));
  if (fact === undefined || fact === null) return fact;
  return fact.kind === 'template' ? fact.spec : null;
};

/** Templates of other resources as they are now; a later change of theirs does not reach this workflow. */
const storeReferences = (pass: Pass, references: readonly ResolvedReference[]): void => {
  const submitted = (pass.state.submitted as { status?: WorkflowStatus }).status?.storedTemplates;
  const found = Object.fromEntries(references.map(({ storedName, template }) => [storedName, template]));
  const stored = { ...found, ...submitted, ...pass.state.header.status.storedTemplates };
  if (Object.keys(stored).length === 0) return;
  pass.state.changeHeader((header) => {
    header.status = { ...header.status, storedTemplates: stored };
  });
};

/** Argo's message where the spec is not valid; `missing` while templates that it names have to be loaded (they are asked for). */
export const validationError = (pass: Pass): { message: string } | 'missing' | undefined => {
  const { submitted } = pass.state;
  try {
    const result = validateWorkflow(
      { metadata: submitted.metadata, spec: ownSpecOf(submitted, pass.state.header) },
      { templates: (key) => loaded(pass, key) },
    );
    if ('references' in result) storeReferences(pass, result.references);
    for (const key of result.missing) pass.missing.set(factId(factKeyOf(key)), factKeyOf(key));
    return result.missing.length > 0 ? 'missing' : undefined;
  } catch (error) {
    if (error instanceof WorkflowInvalidError) return { message: error.message };
    throw error;
  }
};
