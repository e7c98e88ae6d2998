import { createHash } from 'node:crypto';
import type { WorkflowObject } from '#libs/resources';
import { AnnotationName, type JsonValue, sortedJson, type WorkflowSpec } from '#libs/workflow-spec';

const DIGEST_CHARACTERS = 32;

/** Tells specs apart, whatever the order of their fields; `suspend` and `shutdown` are looked at by themselves. */
export const specDigest = ({ suspend: _suspend, shutdown: _shutdown, ...spec }: WorkflowSpec): string =>
  createHash('sha256')
    .update(sortedJson(JSON.parse(JSON.stringify(spec)) as JsonValue))
    .digest('hex')
    .slice(0, DIGEST_CHARACTERS);

/** Which spec the rows know: the one that they say they have taken, else the one that they were made with. */
export const knownDigestOf = ({ workflow }: WorkflowObject, submitted: WorkflowSpec): string =>
  workflow.metadata.annotations?.[AnnotationName.specDigest] ?? specDigest(submitted);

/** The same for the same change, however often it is seen; another one once our rows have been written to the object again. */
export const editIdOf = ({ key, recordVersion }: WorkflowObject, digest: string): string =>
  ['object', key.uid, recordVersion ?? 0, 'edit', digest].join('/');
