import { type JsonValue, type KubernetesObject, parseManifests } from '#libs/workflow-spec';

import { PatchError } from '../errors.js';
import { isObject } from './merge-list.js';
import { mergeObjects } from './merge-object.js';
import { MERGE_SCHEMAS, type MergeType } from './merge-schema.js';

/**
 * Kubernetes' strategic merge (apimachinery, v1.33) of a patch into an object of the given type; `original` is left as it is. The patch is an
 * object, or a text in JSON or YAML as `podSpecPatch` has it; an empty text changes nothing. Throws PatchError with the original's message.
 */
export function strategicMergePatch(
  original: KubernetesObject,
  patch: KubernetesObject | string,
  type: MergeType,
): KubernetesObject {
  const value = typeof patch === 'string' ? parsed(patch) : patch;
  return mergeObjects(original, value, MERGE_SCHEMAS[type]);
}

function parsed(text: string): KubernetesObject {
  const value: JsonValue = parseManifests(text)[0]?.value ?? {};
  if (!isObject(value)) throw new PatchError('invalid JSON document');
  return value;
}
