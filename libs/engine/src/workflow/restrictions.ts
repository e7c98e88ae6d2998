import { type Artifact, WorkflowPhase, type WorkflowSpec } from '#libs/workflow-spec';
import type { EngineConfig } from '../contract.js';
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

const CREDENTIAL = /Secret(Ref)?$|^secretKeyRef$|^useSDKCreds$|^roleARN$|^serviceAccountName$/;

/** The first field in a location that makes whoever moves the artifact use an identity or a Secret of the namespace. */
const credentialIn = (value: unknown): string | undefined => {
  if (value === null || typeof value !== 'object') return undefined;
  for (const [field, inner] of Object.entries(value)) {
    if (inner === undefined || inner === null || inner === false) continue;
    if (CREDENTIAL.test(field)) return field;
    const deeper = credentialIn(inner);
    if (deeper !== undefined) return `${field}.${deeper}`;
  }
  return undefined;
};

/** Artifacts may be given by key, by value or by a public address; a Secret that they name would be mounted in the pods and sent to an address of the same author's. */
const guardedArtifacts = (artifacts: readonly Artifact[] = []): string[] =>
  artifacts.flatMap((artifact) => {
    const field = credentialIn(artifact);
    return field === undefined ? [] : [`arguments.artifacts.${artifact.name}.${field}`];
  });

const refusal = (spec: WorkflowSpec, referencing: 'Strict' | 'Secure', allowed: readonly string[] = []): string | undefined => {
  if (spec.workflowTemplateRef === undefined)
    return 'workflows must use workflowTemplateRef to be executed when the controller is in reference mode';
  const others = [
    ...Object.keys(spec).filter((field) => !OWN_FIELDS.has(field) && !allowed.includes(field)),
    ...(allowed.includes('arguments') ? [] : guardedArtifacts(spec.arguments?.artifacts)),
    ...GUARDED_COLLECTION.filter((field) => spec.artifactGC?.[field] !== undefined).map((field) => `artifactGC.${field}`),
  ];
  return others.length === 0
    ? undefined
    : `fields ${others.join(', ')} must come from the WorkflowTemplate while the controller's templateReferencing is ${referencing}`;
};

/** Whether patches may only be filled in by values (PodOrder.writtenPatches): while the operator does not let workflows bring patches of their own. */
export const arePatchesGuarded = ({ templateReferencing, userOverrideAllowlist }: EngineConfig): boolean =>
  templateReferencing !== undefined && userOverrideAllowlist?.includes('podSpecPatch') !== true;

/**
 * Argo's `workflowRestrictions`, looked at as a workflow begins, and again where it is retried: false where it may not run, and it is in Error
 * then. `Secure` needs nothing more here, as a running workflow keeps the template that it began with.
 */
export const mayRunUnderRestrictions = (pass: Pass): boolean => {
  const { templateReferencing, userOverrideAllowlist } = pass.config;
  const message = templateReferencing && refusal(pass.state.submitted.spec, templateReferencing, userOverrideAllowlist);
  if (message === undefined) return true;
  setWorkflowPhase(pass, WorkflowPhase.Error, message);
  return false;
};
