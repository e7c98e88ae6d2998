import { createHash } from 'node:crypto';
import type { WorkflowObject } from '#libs/resources';
import { isStateAnnotation, isStateLabel, type Workflow } from '#libs/workflow-spec';

const entriesOf = (texts: Readonly<Record<string, string>> = {}, isOfState: (name: string) => boolean): [string, string][] =>
  Object.entries(texts)
    .filter(([name]) => !isOfState(name))
    .sort(([left], [right]) => (left < right ? -1 : 1));

/** Tells labels and annotations that people write apart; those that say how the workflow is doing do not count. */
export const metadataDigest = ({ labels, annotations }: Workflow['metadata']): string =>
  createHash('sha256')
    .update(JSON.stringify([entriesOf(labels, isStateLabel), entriesOf(annotations, isStateAnnotation)]))
    .digest('base64');

/** The same for the same change of an object, however often it is seen. */
export const relabelIdOf = ({ key, resourceVersion }: WorkflowObject): string =>
  ['object', key.uid, 'relabel', resourceVersion].join('/');
