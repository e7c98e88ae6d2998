import { type NodeRow } from '#libs/engine';

import { StoreCorruptError } from '../errors.js';

/** A node as selected by NODE_FIELDS. */
export interface StoredNode {
  id: string;
  parents: string[];
  ordinal: number;
  revision: number;
  tombstone: boolean;
  body: Pick<NodeRow, 'status' | 'internal'> | null;
}

export const NODE_FIELDS = 'id, parents, ordinal, revision, tombstone, body';

export function toNodeRow(stored: StoredNode): NodeRow {
  if (!stored.body) throw new StoreCorruptError(`node ${stored.id} has no body`);
  return { id: stored.id, parents: stored.parents, ordinal: stored.ordinal, ...stored.body };
}

/** One array per column, for `unnest`; parents travel as array literals because unnest would flatten them. */
export function nodeColumns(nodes: readonly NodeRow[]): unknown[] {
  return [
    nodes.map(({ id }) => id),
    nodes.map(({ status }) => status.name),
    nodes.map(({ status }) => status.type),
    nodes.map(({ status }) => status.phase ?? ''),
    nodes.map(({ status }) => status.boundaryID ?? ''),
    nodes.map(({ parents }) => arrayLiteral(parents)),
    nodes.map(({ ordinal }) => ordinal),
    nodes.map(({ status, internal }) => JSON.stringify(internal === undefined ? { status } : { status, internal })),
  ];
}

const arrayLiteral = (values: readonly string[]): string =>
  `{${values.map((value) => `"${value.replace(/["\\]/g, '\\$&')}"`).join(',')}}`;
