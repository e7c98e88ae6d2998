import { WorkflowPhase, type WorkflowSpec } from '#libs/workflow-spec';
import type { Pass } from '../pass.js';
import { setWorkflowPhase } from './workflow-phase.js';

/** What a workflow may say itself while it has to name a WorkflowTemplate: all else is the template's to say. */
const OWN_FIELDS: ReadonlySet<keyof WorkflowSpec> = new Set([
  'arguments',
  'entrypoint',
  'shutdown',
  'suspend',
  'activeDeadlineSeconds',
  'priority',
  'ttlStrategy',
  'podGC',
  'volumeClaimGC',
  'archiveLogs',
  'workflowMetadata',
  'workflowTemplateRef',
  'metrics',
  'artifactGC',
]);

/** Parts of `artifactGC` that shape pods; no list lets them through. */
const GUARDED_COLLECTION = ['podSpecPatch', 'serviceAccountName', 'podMetadata'] as const;

const refusal = (spec: WorkflowSpec, referencing: 'Strict' | 'Secure', allowed: readonly string[] = []): string | undefined => {
  if (spec.workflowTemplateRef === undefined)
    return 'workflows must use workflowTemplateRef to be executed when the controller is in reference mode';
  const others = [
    ...Object.keys(spec).filter((field) => !OWN_FIELDS.has(field) && !allowed.includes(field)),
    ...GUARDED_COLLECTION.filter((field) => spec.artifactGC?.[field] !== undefined).map((field) => `artifactGC.${field}`),
  ];
  return others.length === 0
    ? undefined
    : `fields ${others.join(', ')} must come from the WorkflowTemplate while the controller's templateReferencing is ${referencing}`;
};

/**
 * Argo's `workflowRestrictions`, looked at as a workflow begins: false where it may not run, and it is in Error then. `Secure` needs
 * nothing more here, as a running workflow keeps the template that it began with.
 */
export const mayRunUnderRestrictions = (pass: Pass): boolean => {
  const { templateReferencing, userOverrideAllowlist } = pass.config;
  const message = templateReferencing && refusal(pass.state.submitted.spec, templateReferencing, userOverrideAllowlist);
  if (message === undefined) return true;
  setWorkflowPhase(pass, WorkflowPhase.Error, message);
  return false;
};
