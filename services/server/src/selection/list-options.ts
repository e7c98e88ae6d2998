import { type LabelRequirement, type NameMatch, type WorkflowListQuery } from '#libs/store';
import { parseTime } from '#libs/workflow-spec';
import { ApiError } from '../errors/errors.js';
import { parseFieldSelector, type FieldSelection } from './field-selector.js';
import { parseLabelSelector } from './label-selector.js';

/** A parsed query string: the last value of a repeated key counts. */
export type Query = Record<string, string | string[] | undefined>;

/** The text of a query key, undefined where absent or empty. */
export function queryText(query: Query, key: string): string | undefined {
  const value = query[key];
  const text = Array.isArray(value) ? value.at(-1) : value;
  return text === undefined || text === '' ? undefined : text;
}

export function queryInteger(query: Query, key: string): number | undefined {
  const text = queryText(query, key);
  if (text === undefined) return undefined;
  if (!/^\d{1,15}$/.test(text))
    throw new ApiError(3, `${key} must be a number of 0 or more, got ${JSON.stringify(text.slice(0, 64))}`);
  return Number(text);
}

export function queryFlag(query: Query, key: string): boolean {
  const text = queryText(query, key);
  return text === 'true' || text === '1';
}

/** Flat `listOptions.*` keys as Argo's clients send them, for kinds that are listed by labels only. */
export interface ListOptions {
  labels: LabelRequirement[];
  labelSelector: string | undefined;
  fields: FieldSelection;
  limit: number | undefined;
  continueToken: string | undefined;
  resourceVersion: string | undefined;
}

export function parseListOptions(query: Query): ListOptions {
  const labelSelector = queryText(query, 'listOptions.labelSelector');
  return {
    labels: parseLabelSelector(labelSelector ?? ''),
    labelSelector,
    fields: parseFieldSelector(queryText(query, 'listOptions.fieldSelector') ?? ''),
    limit: queryInteger(query, 'listOptions.limit'),
    continueToken: queryText(query, 'listOptions.continue'),
    resourceVersion: queryText(query, 'listOptions.resourceVersion'),
  };
}

/** Argo's `nameFilter` values in the store's words. */
const NAME_FILTERS: Readonly<Record<string, NameMatch>> = {
  Exact: 'exact',
  Contains: 'contains',
  Prefix: 'prefix',
  NotEquals: 'not-equal',
};

/** Which workflows, live and archived; the page is said apart from it. */
export type WorkflowSelection = Omit<WorkflowListQuery, 'limit' | 'offset' | 'after'>;

/** A selection with its page. `limit` 0 means all. */
export interface WorkflowListRequest {
  selection: WorkflowSelection;
  limit: number;
  offset: number;
  showRemainingItemCount: boolean;
}

const optionalTime = (query: Query, key: string): number | undefined => {
  const text = queryText(query, key);
  return text === undefined ? undefined : parseTime(text);
};

function nameSelection(fields: FieldSelection, match: NameMatch): WorkflowSelection['name'] {
  if (fields.excludedName !== undefined) return { match: 'not-equal', value: fields.excludedName };
  return fields.name === undefined || fields.name === '' ? undefined : { match, value: fields.name };
}

function offsetOf(token: string | undefined): number {
  if (token === undefined) return 0;
  if (!/^\d{1,15}$/.test(token)) throw new ApiError(3, 'listOptions.continue must be int');
  return Number(token);
}

function namespaceOf(requested: string, fields: FieldSelection): string | undefined {
  const selected = fields.namespace ?? '';
  if (requested !== '' && selected !== '' && requested !== selected) {
    throw new ApiError(
      3,
      `'namespace' query param ('${requested}') and fieldselector 'metadata.namespace' ('${selected}') are both specified and contradict each other`,
    );
  }
  const namespace = requested === '' ? selected : requested;
  return namespace === '' ? undefined : namespace;
}

/** The query of a workflow list (server/utils/list_options.go): `continue` is an offset, the name comes by field selector and `nameFilter`. */
export function parseWorkflowListRequest(namespace: string, query: Query): WorkflowListRequest {
  const options = parseListOptions(query);
  const filter = queryText(query, 'nameFilter') ?? 'Exact';
  const match = Object.hasOwn(NAME_FILTERS, filter) ? NAME_FILTERS[filter] : undefined;
  if (match === undefined) throw new ApiError(3, `unknown nameFilter ${JSON.stringify(filter.slice(0, 64))}`);
  const prefix = queryText(query, 'namePrefix');
  const selection: WorkflowSelection = { labels: options.labels };
  const parts: Partial<Record<keyof WorkflowSelection, unknown>> = {
    namespace: namespaceOf(namespace, options.fields),
    notNamespace: options.fields.excludedNamespace,
    name: prefix === undefined ? nameSelection(options.fields, match) : { match: 'prefix', value: prefix },
    createdAfterMs: optionalTime(query, 'createdAfter'),
    finishedBeforeMs: optionalTime(query, 'finishedBefore'),
    startedAfterMs: options.fields.startedAfterMs,
    startedBeforeMs: options.fields.startedBeforeMs,
  };
  for (const [part, value] of Object.entries(parts)) if (value !== undefined) Object.assign(selection, { [part]: value });
  return {
    selection,
    limit: options.limit ?? 0,
    offset: offsetOf(options.continueToken),
    showRemainingItemCount: options.fields.showRemainingItemCount ?? false,
  };
}
