import type { JsonValue, KubernetesObject } from '#libs/workflow-spec';

import { PatchError } from '../errors.js';
import { goText } from './go-text.js';
import { isObject, mergeKeyed, mergeSets } from './merge-list.js';
import type { MergeSchema } from './merge-schema.js';

const ORDER = '$setElementOrder/';
const REMOVAL = '$deleteFromPrimitiveList/';
const RETAIN = '$retainKeys';
const DIRECTIVE = '$patch';

/** Merges `patch` into a copy of `original`: null removes, objects merge, lists follow the schema, `$…` fields direct it. Throws PatchError. */
export function mergeObjects(original: KubernetesObject, patch: KubernetesObject, schema: MergeSchema): KubernetesObject {
  const directive = patch[DIRECTIVE];
  if (directive === 'replace') return withoutDirective(patch);
  if (directive === 'delete') return {};
  if (directive !== undefined && directive !== 'merge') {
    throw new PatchError(`unknown patch type: ${goText(directive)} in map: ${goText(patch)}`);
  }
  const merged = retained(original, patch[RETAIN]);
  for (const [key, value] of Object.entries(patch)) {
    if (key.startsWith(REMOVAL)) removeValues(merged, key.slice(REMOVAL.length), value);
  }
  for (const name of patchedFields(patch)) mergeField(merged, patch, name, schema);
  return merged;
}

function withoutDirective({ [DIRECTIVE]: _, ...rest }: KubernetesObject): KubernetesObject {
  return rest;
}

function retained(original: KubernetesObject, names: JsonValue | undefined): KubernetesObject {
  if (!Array.isArray(names)) return { ...original };
  return Object.fromEntries(Object.entries(original).filter(([name]) => names.includes(name)));
}

function removeValues(merged: KubernetesObject, name: string, values: JsonValue): void {
  const present = merged[name];
  if (Array.isArray(present) && Array.isArray(values)) merged[name] = present.filter((item) => !values.includes(item));
}

/** Fields that the patch sets or only orders. */
function patchedFields(patch: KubernetesObject): Set<string> {
  const names = Object.keys(patch).map((key) => (key.startsWith(ORDER) ? key.slice(ORDER.length) : key));
  return new Set(names.filter((name) => name !== DIRECTIVE && name !== RETAIN && !name.startsWith(REMOVAL)));
}

function mergeField(merged: KubernetesObject, patch: KubernetesObject, name: string, schema: MergeSchema): void {
  const order = patch[`${ORDER}${name}`];
  const present = merged[name];
  const value = patch[name] === undefined && Array.isArray(order) && Array.isArray(present) ? [] : patch[name];
  if (value === undefined) return;
  if (value === null) delete merged[name];
  else merged[name] = mergedValue(present, value, { rule: schema[name], order: Array.isArray(order) ? order : undefined });
}

interface Rule {
  rule: MergeSchema[string] | undefined;
  order: JsonValue[] | undefined;
}

function mergedValue(present: JsonValue | undefined, value: JsonValue, { rule, order }: Rule): JsonValue {
  if (isObject(value)) {
    const inner = rule !== undefined && 'object' in rule ? rule.object : {};
    return present === undefined || isObject(present) ? mergeObjects(present ?? {}, value, inner) : value;
  }
  const isList = Array.isArray(value) && (present === undefined || Array.isArray(present));
  return isList && rule !== undefined ? mergedList(present ?? [], value, { rule, order }) : value;
}

function mergedList(present: JsonValue[], value: JsonValue[], { rule, order }: Rule): JsonValue {
  if (rule === undefined || 'object' in rule) return value;
  if ('set' in rule) return mergeSets(present, value, order);
  return mergeKeyed(present, value, {
    by: rule.by,
    item: rule.item ?? {},
    ...(order === undefined ? {} : { wanted: order as KubernetesObject[] }),
    mergeObjects,
  });
}
