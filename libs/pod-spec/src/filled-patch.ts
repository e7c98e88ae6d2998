import { parseDelimited } from '#libs/expressions';
import { type JsonValue, parseManifests } from '#libs/workflow-spec';

import { PatchError } from './errors.js';
import { isObject } from './strategic-merge/merge-list.js';

/** Stands where a tag is; no value of a patch looks like this. */
const TAG = 'argosy-tag-7c1f';

/**
 * Under the controller's `workflowRestrictions` whoever submits a workflow gives values and no fields. `filled` is a `podSpecPatch` whose tags were
 * replaced: it must differ from the `written` one in single values alone, where a tag was. Throws PatchError where a value brought in fields, took
 * some away, or was taken for null.
 */
export function assertFilledIn(written: string | undefined, filled: string | undefined): void {
  if (filled === undefined || filled === '' || filled === written) return;
  const parts = parseDelimited(written ?? '', '{{', '}}');
  if (parts instanceof Error) throw new PatchError(`podSpecPatch: ${parts.message}`);
  const strayed = difference(parsed(parts.texts.join(TAG)), parsed(filled), 'podSpecPatch');
  if (strayed === undefined) return;
  throw new PatchError(
    `${strayed}: parameters may fill in values of the template's patch and nothing else while the controller restricts workflows to templates`,
  );
}

const parsed = (text: string): JsonValue => parseManifests(text)[0]?.value ?? null;

/** The first place where the filled in patch is not the written one. */
function difference(written: JsonValue, filled: JsonValue, place: string): string | undefined {
  if (typeof written === 'string' && written.includes(TAG)) return isSingleValue(filled) ? undefined : place;
  if (Array.isArray(written)) {
    if (!Array.isArray(filled) || filled.length !== written.length) return place;
    return first(written.map((item, index) => [item, filled[index] ?? null, `${place}[${index}]`]));
  }
  if (!isObject(written)) return written === filled ? undefined : place;
  if (!isObject(filled)) return place;
  const strange = Object.keys(filled).find((field) => !Object.hasOwn(written, field));
  if (strange !== undefined) return `${place}.${strange.slice(0, 100)}`;
  const absent = Object.keys(written).find((field) => !Object.hasOwn(filled, field));
  if (absent !== undefined) return `${place}.${absent.replaceAll(TAG, '{{…}}')}`;
  return first(Object.entries(written).map(([field, value]) => [value, filled[field] ?? null, `${place}.${field}`]));
}

function first(pairs: readonly [JsonValue, JsonValue, string][]): string | undefined {
  for (const [written, filled, place] of pairs) {
    const found = difference(written, filled, place);
    if (found !== undefined) return found;
  }
  return undefined;
}

const isSingleValue = (value: JsonValue): boolean => value !== null && typeof value !== 'object';
