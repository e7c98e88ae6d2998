import type { JsonValue, Workflow, WorkflowDefaults, WorkflowSpec } from '#libs/workflow-spec';
import type { SubmittedWorkflow, WorkflowHeader } from '../contract.js';
import type { Pass } from '../pass.js';
import { mergedSpec } from './template-reference.js';
import { writtenMetadataOf } from './written-metadata.js';

const DEFAULTS = 'defaults';
const EDITED = 'spec';

const defaultsOf = (header: WorkflowHeader | undefined): WorkflowSpec | undefined =>
  header?.internal[DEFAULTS] as unknown as WorkflowSpec | undefined;

/** Only what the object does not say itself. */
const absentFrom = (own: Record<string, string> | undefined, defaults: Record<string, string> = {}): Record<string, string> =>
  Object.fromEntries(Object.entries(defaults).filter(([key]) => own === undefined || !Object.hasOwn(own, key)));

/**
 * Takes the controller's `workflowDefaults` as they are when the workflow begins: labels and annotations that it lacks at once, the spec
 * below its own and below that of the template that it names. A later change of the defaults does not reach it (Argo's setWorkflowDefaults).
 */
export const takeControllerDefaults = ({ state, config }: Pass): void => {
  const { workflowDefaults } = config;
  if (workflowDefaults === undefined || defaultsOf(state.header) !== undefined) return;
  const { labels, annotations } = writtenMetadataOf(state.submitted, state.header);
  state.changeHeader((header) => {
    header.labels = { ...absentFrom(labels, workflowDefaults.metadata.labels), ...header.labels };
    header.annotations = { ...absentFrom(annotations, workflowDefaults.metadata.annotations), ...header.annotations };
    header.internal = { ...header.internal, [DEFAULTS]: workflowDefaults.spec as unknown as JsonValue };
  });
};

/** A spec with the defaults of the workflow's beginning below it. */
export const belowDefaults = (spec: WorkflowSpec, header: WorkflowHeader): WorkflowSpec => {
  const defaults = defaultsOf(header);
  return defaults === undefined ? spec : mergedSpec(spec, defaults);
};

/** The spec that a person has written into the object of a running workflow takes the place of the submitted one. */
export const takeEditedSpec = (header: WorkflowHeader, spec: WorkflowSpec): void => {
  header.internal = { ...header.internal, [EDITED]: spec as unknown as JsonValue };
};

export const isEdited = (header: WorkflowHeader): boolean => header.internal[EDITED] !== undefined;

/** The spec as the object has it, as far as that is known here. */
export const writtenSpecOf = (submitted: Pick<SubmittedWorkflow, 'spec'>, header: WorkflowHeader | undefined): WorkflowSpec =>
  (header?.internal[EDITED] as unknown as WorkflowSpec | undefined) ?? submitted.spec;

/** The last merge for each set of defaults: a workflow asks for its spec at every step. */
const merged = new WeakMap<WorkflowSpec, { own: WorkflowSpec; spec: WorkflowSpec }>();

/** The workflow's own spec with the controller's defaults below it, as Argo stores it; without a merge of the template that it names. */
export const ownSpecOf = (submitted: Pick<SubmittedWorkflow, 'spec'>, header: WorkflowHeader | undefined): WorkflowSpec => {
  const defaults = defaultsOf(header);
  const own = writtenSpecOf(submitted, header);
  if (header === undefined || defaults === undefined || own.workflowTemplateRef !== undefined) return own;
  const known = merged.get(defaults);
  if (known?.own === own) return known.spec;
  const spec = belowDefaults(own, header);
  merged.set(defaults, { own, spec });
  return spec;
};

/** The spec that runs: the workflow's own over that of the template that it names, over the controller's defaults. */
export const effectiveSpecOf = (submitted: Pick<SubmittedWorkflow, 'spec'>, header: WorkflowHeader | undefined): WorkflowSpec =>
  header?.status.storedWorkflowTemplateSpec ?? ownSpecOf(submitted, header);

/**
 * A workflow as it would begin now under these defaults, for whoever validates it before: its own spec above theirs. One that names a
 * template is left as it is, for the template stands between the two.
 */
export const aboveDefaults = <Given extends Pick<Workflow, 'spec'>>(
  workflow: Given,
  defaults: WorkflowDefaults | undefined,
): Given =>
  defaults === undefined || workflow.spec.workflowTemplateRef !== undefined
    ? workflow
    : { ...workflow, spec: mergedSpec(workflow.spec, defaults.spec) };
