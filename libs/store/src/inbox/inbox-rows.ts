import { type ArtifactGcReport, type InboxEntry, type LockAnswer, type PodReport, type WorkflowRequest } from '#libs/engine';

import { StoreCorruptError } from '../errors.js';

export interface StoredInboxRow {
  id: string | number;
  kind: string;
  subject: string;
  body: unknown;
}

/** The oldest rows of a workflow as one JSON value. */
export const inboxEntriesSql = (uid: string, limit: string): string =>
  `(SELECT json_agg(i) FROM (SELECT id, kind, subject, body FROM workflow_inbox WHERE workflow = ${uid} ORDER BY id LIMIT ${limit}) i)`;

/** The engine's shape; the subject of a request is its id. */
export function toInboxEntry(row: StoredInboxRow): InboxEntry {
  const id = String(row.id);
  switch (row.kind) {
    case 'pod':
      return { id, kind: 'pod', report: row.body as PodReport };
    case 'request':
      return { id, kind: 'request', requestId: row.subject, request: row.body as WorkflowRequest };
    case 'lock':
      return { id, kind: 'lock', answer: row.body as LockAnswer };
    case 'admission':
      return { id, kind: 'admission', admitted: (row.body as { admitted: boolean }).admitted };
    case 'artifactGc':
      return { id, kind: 'artifactGc', report: row.body as ArtifactGcReport };
    case 'poke':
      return { id, kind: 'poke' };
    default:
      throw new StoreCorruptError(`inbox entry ${id} is of unknown kind ${row.kind}`);
  }
}
