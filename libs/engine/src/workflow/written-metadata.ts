import type { EditedMetadata, SubmittedWorkflow, WorkflowHeader } from '../contract.js';

type Texts = Readonly<Record<string, string>>;

/** Labels and annotations that people have written into the object, as far as that is known here. */
export interface WrittenMetadata {
  labels: Record<string, string>;
  annotations: Record<string, string>;
}

/** Texts as edits have left them. */
export const withEdits = (texts: Texts = {}, edits: EditedMetadata['labels'] = {}): Record<string, string> =>
  Object.fromEntries(Object.entries({ ...texts, ...edits }).filter((entry): entry is [string, string] => entry[1] !== null));

/** Of the submitted object and the edits since; what the run itself has added is in the header. */
export const writtenMetadataOf = (
  { metadata }: Pick<SubmittedWorkflow, 'metadata'>,
  header: Pick<WorkflowHeader, 'edited'> | undefined,
): WrittenMetadata => ({
  labels: withEdits(metadata.labels, header?.edited?.labels),
  annotations: withEdits(metadata.annotations, header?.edited?.annotations),
});
