import { strategicMergePatch } from '#libs/pod-spec';
import type { Resource } from '#libs/resources';
import { GrpcCode, UserError, type JsonValue, type KubernetesObject } from '#libs/workflow-spec';
import { KubectlError } from './kubectl-error.js';
import type { ObjectKind } from './object-kinds.js';

type JsonObject = { [key: string]: JsonValue };
const isObject = (value: JsonValue | undefined): value is JsonObject =>
  value !== null && typeof value === 'object' && !Array.isArray(value);

/** RFC 7386: null takes away, objects merge, everything else replaces. */
export const mergePatch = (target: JsonValue | undefined, patch: JsonValue): JsonValue => {
  if (!isObject(patch)) return patch;
  const merged: JsonObject = isObject(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key];
    else merged[key] = mergePatch(merged[key], value);
  }
  return merged;
};

/** A merge patch that also takes away what `before` had and `after` has not: how `kubectl apply` removes fields. */
export const patchBetween = (before: JsonValue | undefined, after: JsonObject): JsonObject => {
  const patch: JsonObject = { ...after };
  if (!isObject(before)) return patch;
  for (const [key, value] of Object.entries(before)) {
    const next = after[key];
    if (next === undefined) patch[key] = null;
    else if (isObject(next)) patch[key] = patchBetween(value, next);
  }
  return patch;
};

interface Operation {
  op: string;
  path: string;
  from?: string;
  value?: JsonValue;
}

const refused = (reason: string): UserError =>
  new UserError(`the server rejected our request due to an error in our request: ${reason}`, {
    grpcCode: GrpcCode.FailedPrecondition,
  });

const segmentsOf = (pointer: string): string[] => {
  if (pointer === '') return [];
  if (!pointer.startsWith('/')) throw refused(`${JSON.stringify(pointer)} is not a JSON pointer`);
  return pointer
    .slice(1)
    .split('/')
    .map((segment) => segment.replaceAll('~1', '/').replaceAll('~0', '~'));
};

const member = (holder: JsonValue | undefined, segment: string): JsonValue | undefined => {
  if (Array.isArray(holder)) return /^\d+$/.test(segment) ? holder[Number(segment)] : undefined;
  return isObject(holder) && Object.hasOwn(holder, segment) ? holder[segment] : undefined;
};

const valueAt = (root: JsonValue, pointer: string): JsonValue => {
  let value: JsonValue | undefined = root;
  for (const segment of segmentsOf(pointer)) value = member(value, segment);
  if (value === undefined) throw refused(`${JSON.stringify(pointer)} does not exist`);
  return value;
};

type Edit = (holder: JsonValue[] | JsonObject, segment: string) => void;

const holderAt = (root: JsonValue, pointer: string): [JsonValue[] | JsonObject, string] => {
  const segments = segmentsOf(pointer);
  const last = segments.pop();
  let holder: JsonValue | undefined = root;
  for (const segment of segments) holder = member(holder, segment);
  if (last === undefined || holder === undefined || holder === null || typeof holder !== 'object') {
    throw refused(`${JSON.stringify(pointer)} does not exist`);
  }
  return [holder, last];
};

const add =
  (value: JsonValue): Edit =>
  (holder, segment) => {
    if (!Array.isArray(holder)) holder[segment] = value;
    else if (segment === '-') holder.push(value);
    else if (/^\d+$/.test(segment) && Number(segment) <= holder.length) holder.splice(Number(segment), 0, value);
    else throw refused(`there is no index ${segment}`);
  };

const remove: Edit = (holder, segment) => {
  if (member(holder, segment) === undefined) throw refused(`${JSON.stringify(segment)} does not exist`);
  if (Array.isArray(holder)) holder.splice(Number(segment), 1);
  else delete holder[segment];
};

const given = ({ op, value }: Operation): JsonValue => {
  if (value === undefined) throw refused(`${op} has no value`);
  return value;
};

const applyOperation = (root: JsonValue, operation: Operation): JsonValue => {
  const edit = (pointer: string, change: Edit): void => change(...holderAt(root, pointer));
  const { op, path, from = '' } = operation;
  switch (op) {
    case 'add':
      edit(path, add(given(operation)));
      return root;
    case 'remove':
      edit(path, remove);
      return root;
    case 'replace':
      edit(path, remove);
      edit(path, add(given(operation)));
      return root;
    case 'move':
    case 'copy': {
      const value = structuredClone(valueAt(root, from));
      if (op === 'move') edit(from, remove);
      edit(path, add(value));
      return root;
    }
    case 'test':
      if (JSON.stringify(valueAt(root, path)) !== JSON.stringify(given(operation))) throw refused(`testing ${path} failed`);
      return root;
    default:
      throw refused(`${JSON.stringify(op)} is not an operation`);
  }
};

/** RFC 6902, all operations or none. Throws UserError where one does not fit. */
export const jsonPatch = (target: JsonValue, operations: JsonValue): JsonValue => {
  if (!Array.isArray(operations)) throw refused('a JSON patch is a list of operations');
  let changed = structuredClone(target);
  for (const operation of operations as unknown as Operation[]) {
    if (!isObject(operation as unknown as JsonValue) || typeof operation.path !== 'string')
      throw refused('an operation has no path');
    changed = applyOperation(changed, operation);
  }
  return changed;
};

/** The object after `kubectl patch --type <strategy>`. Throws KubectlError or UserError. */
export const patched = (kind: ObjectKind, object: Resource, patch: JsonValue, strategy: string): Resource => {
  const target = object as unknown as JsonValue;
  switch (strategy) {
    case 'json':
      return jsonPatch(target, patch) as unknown as Resource;
    case 'merge':
      return mergePatch(target, patch) as unknown as Resource;
    case 'strategic':
      if (kind.group !== '') {
        throw new KubectlError(
          'Error from server (UnsupportedMediaType): the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json',
        );
      }
      if (kind.kind !== 'Pod') return mergePatch(target, patch) as unknown as Resource;
      return strategicMergePatch(target as KubernetesObject, patch as KubernetesObject, 'Pod') as unknown as Resource;
    default:
      throw new KubectlError(`error: --type must be one of [json merge strategic], not ${JSON.stringify(strategy)}`);
  }
};
