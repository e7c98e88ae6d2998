/** The version that Argo v4.1's own migration ends with. */
export const ARGO_SCHEMA_VERSION = 68;

/** `document`: jsonb in Postgres, where Argo wants to search in it; json elsewhere. */
export type ArgoColumnType = { text: number } | 'json' | 'document' | 'time' | 'integer';

export interface ArgoColumn {
  name: string;
  type: ArgoColumnType;
  nullable?: true;
  /** The column's default is the server's time; our own statements always give one. */
  defaultNow?: true;
}

export interface ArgoTable {
  name: string;
  columns: readonly ArgoColumn[];
  primaryKey: readonly string[];
  /** By name; `startedat DESC` is a column with its direction. */
  indexes: Readonly<Record<string, readonly string[]>>;
  /** Rows go when those of this table go. */
  references?: { table: string; columns: readonly string[] };
}

export const ARCHIVE_TABLE = 'argo_archived_workflows';
export const LABELS_TABLE = 'argo_archived_workflows_labels';
export const HISTORY_TABLE = 'schema_history';

const column = (name: string, type: ArgoColumnType, rest: Omit<ArgoColumn, 'name' | 'type'> = {}): ArgoColumn => ({
  name,
  type,
  ...rest,
});

const offloadTable = (name: string): ArgoTable => ({
  name,
  columns: [
    column('uid', { text: 128 }),
    column('namespace', { text: 256 }),
    column('creationtimestamp', 'time', { nullable: true, defaultNow: true }),
    column('clustername', { text: 64 }),
    column('version', { text: 64 }),
    column('nodes', 'json'),
    column('updatedat', 'time', { defaultNow: true }),
  ],
  primaryKey: ['clustername', 'uid', 'version'],
  indexes: { [`${name}_i1`]: ['clustername', 'namespace', 'updatedat'] },
});

const ARCHIVE: ArgoTable = {
  name: ARCHIVE_TABLE,
  columns: [
    column('uid', { text: 128 }),
    column('name', { text: 256 }),
    column('phase', { text: 25 }),
    column('namespace', { text: 256 }),
    column('workflow', 'document'),
    column('startedat', 'time', { defaultNow: true }),
    column('finishedat', 'time', { defaultNow: true }),
    column('clustername', { text: 64 }),
    column('instanceid', { text: 64 }),
    column('creationtimestamp', 'time', { nullable: true, defaultNow: true }),
  ],
  primaryKey: ['clustername', 'uid'],
  indexes: {
    argo_archived_workflows_i1: ['clustername', 'instanceid', 'namespace', 'startedat DESC'],
    argo_archived_workflows_i2: ['clustername', 'instanceid', 'finishedat'],
    argo_archived_workflows_i3: ['clustername', 'instanceid', 'name'],
    argo_archived_workflows_i4: ['clustername', 'startedat'],
    argo_archived_workflows_i5: ['creationtimestamp'],
  },
};

const LABELS: ArgoTable = {
  name: LABELS_TABLE,
  columns: [
    column('clustername', { text: 64 }),
    column('uid', { text: 128 }),
    column('name', { text: 317 }),
    column('value', { text: 63 }),
  ],
  primaryKey: ['clustername', 'uid', 'name'],
  indexes: { argo_archived_workflows_labels_i1: ['name', 'value'] },
  references: { table: ARCHIVE_TABLE, columns: ['clustername', 'uid'] },
};

const HISTORY: ArgoTable = {
  name: HISTORY_TABLE,
  columns: [column('schema_version', 'integer')],
  primaryKey: ['schema_version'],
  indexes: {},
};

/**
 * Argo's persistence tables as its v4.1 controller leaves them (checked against a recorded database), in an order in which they can be
 * made. Its server, its CLI and people's SQL go on reading our rows.
 */
export const argoTables = (offloadName: string): readonly ArgoTable[] => [offloadTable(offloadName), ARCHIVE, LABELS, HISTORY];
