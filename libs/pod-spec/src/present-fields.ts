import type { JsonValue, KubernetesObject } from '#libs/workflow-spec';

const isPresent = (entry: [string, JsonValue | undefined]): entry is [string, JsonValue] => entry[1] !== undefined;

/** The fields that have a value. */
export function withoutUndefined(fields: object): KubernetesObject {
  return Object.fromEntries(Object.entries<JsonValue | undefined>(fields as KubernetesObject).filter(isPresent));
}

/** Absent, an empty list and an empty object all mean that nothing was written, as with Go's `len(x) == 0`. */
export function isWritten(value: unknown): boolean {
  if (value === undefined || value === null || value === '') return false;
  return typeof value !== 'object' || Object.keys(value).length > 0;
}
