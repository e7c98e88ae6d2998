import type { JsonValue, KubernetesObject } from '#libs/workflow-spec';

import { PatchError } from '../errors.js';
import { goText } from './go-text.js';
import { orderMerged } from './merge-order.js';
import type { MergeSchema } from './merge-schema.js';

/** Merges two objects under a schema; given by merge-object.ts, which knows this file. */
export type MergeObjects = (original: KubernetesObject, patch: KubernetesObject, schema: MergeSchema) => KubernetesObject;

export const isObject = (value: JsonValue | undefined): value is KubernetesObject =>
  value !== null && typeof value === 'object' && !Array.isArray(value);

const kindOf = (value: JsonValue): string => (value === null ? 'null' : Array.isArray(value) ? 'list' : typeof value);

function assertAlike(original: readonly JsonValue[], patch: readonly JsonValue[]): void {
  if (new Set([...original, ...patch].map(kindOf)).size > 1) {
    throw new PatchError(`list element types are not identical: ${goText([[...original], [...patch]])}`);
  }
}

/** A list of plain values: those of the patch that are new are added. `wanted` is the order of `$setElementOrder`. */
export function mergeSets(original: JsonValue[], patch: JsonValue[], wanted: JsonValue[] | undefined): JsonValue[] {
  assertAlike(original, patch);
  const merged = [...new Set([...original, ...patch])];
  return orderMerged(merged, (item) => item, { wanted: wanted ?? patch, original });
}

export interface ListMerge {
  /** The key that tells members apart. */
  by: string;
  item: MergeSchema;
  /** Members of `$setElementOrder`, each with the key. */
  wanted?: KubernetesObject[];
  mergeObjects: MergeObjects;
}

/** A list of objects told apart by a key, with the directives `$patch: delete` and `replace` among its members. */
export function mergeKeyed(original: JsonValue[], patch: JsonValue[], merge: ListMerge): JsonValue[] {
  assertAlike(original, patch);
  const keyOf = (item: JsonValue): JsonValue => keyValue(item, merge.by);
  const { kept, added, isReplaced } = withoutDirectives(original, patch, keyOf);
  if (isReplaced) return added;
  const merged = [...kept];
  for (const item of added) {
    const at = merged.findIndex((candidate) => keyOf(candidate) === keyOf(item));
    const base = merged[at];
    if (isObject(base) && isObject(item)) merged[at] = merge.mergeObjects(base, item, merge.item);
    else merged.push(merge.mergeObjects({}, item as KubernetesObject, merge.item));
  }
  const wanted = (merge.wanted ?? added).map(keyOf);
  return orderMerged(merged, keyOf, { wanted, original: original.map(keyOf) });
}

function keyValue(item: JsonValue, key: string): JsonValue {
  const value = isObject(item) ? item[key] : undefined;
  if (value === undefined) throw new PatchError(`map: ${goText(item)} does not contain declared merge key: ${key}`);
  return value;
}

interface Split {
  kept: JsonValue[];
  added: JsonValue[];
  isReplaced: boolean;
}

function withoutDirectives(original: JsonValue[], patch: JsonValue[], keyOf: (item: JsonValue) => JsonValue): Split {
  let kept = original;
  let isReplaced = false;
  const added: JsonValue[] = [];
  for (const item of patch) {
    const directive = isObject(item) ? item['$patch'] : undefined;
    if (directive === undefined) added.push(item);
    else if (directive === 'replace') isReplaced = true;
    else if (directive === 'delete') kept = kept.filter((candidate) => keyOf(candidate) !== keyOf(item));
    else if (directive === 'merge') throw new PatchError('merging lists cannot yet be specified in the patch');
    else throw new PatchError(`unknown patch type: ${goText(directive)} in map: ${goText(item)}`);
  }
  return { kept, added, isReplaced };
}
