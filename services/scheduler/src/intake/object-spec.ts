import { createHash } from 'node:crypto';
import type { WorkflowObject } from '#libs/resources';
import {
  AnnotationName,
  assertSupported,
  decodeWorkflow,
  type JsonValue,
  sortedJson,
  type Workflow,
  type WorkflowSpec,
} from '#libs/workflow-spec';

const DIGEST_CHARACTERS = 32;

const digestOf = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, DIGEST_CHARACTERS);

/** Throws UserError where it cannot be read, or asks for what is not supported. */
export const readWorkflow = (workflow: unknown): Workflow => {
  const decoded = decodeWorkflow(workflow, { unknownFields: 'drop' });
  assertSupported(decoded);
  return decoded.object;
};

/** Tells specs apart, whatever the order of their fields; `suspend` and `shutdown` are looked at by themselves. */
export const specDigest = ({ suspend: _suspend, shutdown: _shutdown, ...spec }: WorkflowSpec): string =>
  digestOf(sortedJson(JSON.parse(JSON.stringify(spec)) as JsonValue));

/** The same for the text of a spec as the API server gives it, which always has its fields in one order: a tenth of the work. */
export const specTextDigest = ({ suspend: _suspend, shutdown: _shutdown, ...spec }: WorkflowSpec): string =>
  digestOf(JSON.stringify(spec));

/** Which spec the rows know: the one that they say they have taken, else the one that they were made with. */
export const knownDigestOf = ({ workflow }: WorkflowObject, submitted: WorkflowSpec): string =>
  workflow.metadata.annotations?.[AnnotationName.specDigest] ?? specDigest(submitted);

/** The same for the same change, however often it is seen; another one once our rows have been written to the object again. */
export const editIdOf = ({ key, recordVersion, generation }: WorkflowObject, digest: string): string =>
  ['object', key.uid, recordVersion ?? 0, 'edit', ...(generation === undefined ? [] : [generation]), digest].join('/');
