import { parseTime } from '#libs/workflow-spec';
import { ApiError } from '../errors/errors.js';

/** What Argo's field selectors can say of a workflow; all given parts must hold. */
export interface FieldSelection {
  namespace?: string;
  excludedNamespace?: string;
  name?: string;
  excludedName?: string;
  startedAfterMs?: number;
  startedBeforeMs?: number;
  showRemainingItemCount?: boolean;
}

type Reader = (value: string) => FieldSelection;

const READERS: readonly [prefix: string, read: Reader][] = [
  ['metadata.namespace!=', (value) => ({ excludedNamespace: value })],
  ['metadata.namespace==', (value) => ({ namespace: value })],
  ['metadata.namespace=', (value) => ({ namespace: value })],
  ['metadata.name!=', (value) => ({ excludedName: value })],
  ['metadata.name==', (value) => ({ name: value })],
  ['metadata.name=', (value) => ({ name: value })],
  ['spec.startedAt>', (value) => ({ startedAfterMs: parseTime(value) })],
  ['spec.startedAt<', (value) => ({ startedBeforeMs: parseTime(value) })],
  ['ext.showRemainingItemCount=', (value) => ({ showRemainingItemCount: value === 'true' })],
];

/** Argo's subset of field selectors (server/utils/list_options.go); ApiError 3 for anything else. */
export function parseFieldSelector(text: string): FieldSelection {
  const selection: FieldSelection = {};
  for (const term of text.split(',')) {
    if (term.trim() === '') continue;
    const reader = READERS.find(([prefix]) => term.startsWith(prefix));
    if (reader === undefined) throw new ApiError(3, `unsupported requirement ${term.slice(0, 200)}`);
    Object.assign(selection, reader[1](term.slice(reader[0].length)));
  }
  return selection;
}
