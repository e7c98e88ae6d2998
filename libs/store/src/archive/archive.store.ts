import { type SQL } from 'drizzle-orm';

import { parseTime, type Workflow } from '#libs/workflow-spec';

import { type Database } from '../connection/database.js';
import { sql } from '../connection/drizzle.js';
import { toStatement } from '../connection/drizzle-statement.js';
import { archivedLabels as labels, archivedWorkflows as archive } from '../schema/argo-tables.js';
import { type LabelRequirement } from '../selectors/label-selector.js';
import { labelCondition } from '../selectors/label-conditions.js';
import { type NameMatch } from '../workflows/workflow-list.js';
import { DEFAULT_NULL_REPLACEMENT, fromArchiveText, toArchiveText } from './archive-text.js';

/** Which archived workflows, latest start first. Every field that is absent does not restrict. */
export interface ArchiveQuery {
  namespace?: string;
  notNamespace?: string;
  name?: { match: NameMatch; value: string };
  labels?: readonly LabelRequirement[];
  phases?: readonly string[];
  createdAfterMs?: number;
  startedAfterMs?: number;
  startedBeforeMs?: number;
  finishedBeforeMs?: number;
  /** Leaves out what is still among the live workflows and is not being deleted. */
  notLive?: boolean;
  /** Default 500. */
  limit?: number;
  offset?: number;
  /** From the last row of the previous page. */
  after?: ArchiveCursor;
}

/** Where a page ended: the archive's order, newest first. */
export interface ArchiveCursor {
  startedAtMs: number;
  createdAtMs: number;
  uid: string;
}

export interface ArchivePage {
  /** Partial, as Argo's list: metadata, spec.arguments, spec.suspend, and status without nodes and outputs. */
  workflows: Workflow[];
  next?: ArchiveCursor;
}

export interface ArchiveStoreOptions {
  /** Column `clustername`; default `default`. */
  clusterName?: string;
  /** Column `instanceid`; default ''. */
  instanceId?: string;
  /** See DEFAULT_NULL_REPLACEMENT. */
  nullReplacement?: string;
}

export interface ArchiveWrite {
  /** When it was made, in milliseconds: finer than the object's own time, it orders those of one second. */
  createdAtMs: number;
  /** Complete, with nodes and with the label that says Persisted. */
  workflow: Workflow;
  /** The version of the state that it was made from. */
  version: number;
  nowMs: number;
}

const DEFAULT_LIMIT = 500;

/**
 * The mark is the compare-and-set: an older end never replaces a newer one, and repeating changes nothing. Everything is one statement,
 * and the handoff goes with it, so the commit need not wait for the disk: what a crash of Postgres undoes is simply done again.
 */
const UPSERT_SQL = `
WITH marked AS (
  INSERT INTO archive_marks AS m (workflow, version, archived, archived_at_ms) VALUES ($1, $2, true, $3)
  ON CONFLICT (workflow) DO UPDATE SET version = excluded.version, archived = true, archived_at_ms = excluded.archived_at_ms
    WHERE m.version < excluded.version
  RETURNING workflow
), archived AS (
  INSERT INTO argo_archived_workflows
    (clustername, instanceid, uid, name, namespace, phase, startedat, finishedat, creationtimestamp, workflow)
  SELECT $4, $5, $1, $6, $7, $8, $9::timestamp, $10::timestamp, $11::timestamp, $12::jsonb FROM marked
  ON CONFLICT (clustername, uid) DO UPDATE SET instanceid = excluded.instanceid, name = excluded.name, namespace = excluded.namespace,
    phase = excluded.phase, startedat = excluded.startedat, finishedat = excluded.finishedat,
    creationtimestamp = excluded.creationtimestamp, workflow = excluded.workflow
), dropped AS (
  DELETE FROM argo_archived_workflows_labels l USING marked WHERE l.clustername = $4 AND l.uid = $1 AND NOT l.name = ANY($13::text[])
), labelled AS (
  INSERT INTO argo_archived_workflows_labels (clustername, uid, name, value)
  SELECT $4, $1, given.name, given.value FROM marked, unnest($13::text[], $14::text[]) AS given (name, value)
  ON CONFLICT (clustername, uid, name) DO UPDATE SET value = excluded.value
), done AS (
  DELETE FROM handoffs WHERE queue = 'archive' AND workflow = $1 AND version <= $2
)
SELECT set_config('synchronous_commit', 'off', true), (SELECT count(*) FROM marked) AS written`;

/** Argo's archive tables: exactly one row per workflow. Written by the archiver; deleted from by people through the server. */
export class ArchiveStore {
  readonly #database: Database;
  readonly #clusterName: string;
  readonly #instanceId: string;
  readonly #nullReplacement: string;

  constructor(database: Database, options: ArchiveStoreOptions = {}) {
    this.#database = database;
    this.#clusterName = options.clusterName ?? 'default';
    this.#instanceId = options.instanceId ?? '';
    this.#nullReplacement = options.nullReplacement ?? DEFAULT_NULL_REPLACEMENT;
  }

  /** `unchanged`: this end of the workflow, or a later one, is in the archive already. */
  async upsert({ workflow, version, nowMs, createdAtMs }: ArchiveWrite): Promise<'written' | 'unchanged'> {
    const { metadata, status } = workflow;
    const created = timestampOf(createdAtMs);
    const labelMap = metadata.labels ?? {};
    const rows = await this.#database.run<{ written: number }>({
      name: 'archive-upsert',
      text: UPSERT_SQL,
      values: [
        metadata.uid ?? '',
        version,
        nowMs,
        this.#clusterName,
        this.#instanceId,
        metadata.name ?? '',
        metadata.namespace ?? '',
        status?.phase ?? '',
        status?.startedAt ? timestamp(status.startedAt, nowMs) : timestamp(metadata.creationTimestamp, nowMs),
        timestamp(status?.finishedAt, nowMs),
        created,
        toArchiveText(workflow, this.#nullReplacement),
        Object.keys(labelMap),
        Object.values(labelMap),
      ],
    });
    return rows[0]?.written === 1 ? 'written' : 'unchanged';
  }

  /** The workflow is not to be archived (switched off, or not selected): notes that and takes the handoff off. */
  async skip(workflow: string, version: number, nowMs: number): Promise<void> {
    await this.#database.run({
      name: 'archive-skip',
      text: `
        WITH marked AS (
          INSERT INTO archive_marks AS m (workflow, version, archived, archived_at_ms) VALUES ($1, $2, false, $3)
          ON CONFLICT (workflow) DO UPDATE SET version = excluded.version, archived_at_ms = excluded.archived_at_ms WHERE m.version < excluded.version
        )
        DELETE FROM handoffs WHERE queue = 'archive' AND workflow = $1 AND version <= $2`,
      values: [workflow, version, nowMs],
    });
  }

  async getByUid(uid: string): Promise<Workflow | undefined> {
    return this.#getOne(sql`${archive.uid} = ${uid}`);
  }

  /** The one that started last, of those of this name. */
  async getByName(namespace: string, name: string): Promise<Workflow | undefined> {
    return this.#getOne(sql`${archive.namespace} = ${namespace} AND ${archive.name} = ${name}`);
  }

  async list(query: ArchiveQuery): Promise<ArchivePage> {
    const limit = query.limit ?? DEFAULT_LIMIT;
    const conditions = this.#conditions(query);
    if (query.after) {
      conditions.push(
        sql`(${archive.startedAt}, ${archive.createdAt}, ${archive.uid}) < (${timestampOf(query.after.startedAtMs)}::timestamp,
          ${timestampOf(query.after.createdAtMs)}::timestamp, ${query.after.uid})`,
      );
    }
    const rows = await this.#database.run<ArchiveCursor & { workflow: string }>(
      toStatement(sql`
        SELECT ${archive.uid} AS uid, (extract(epoch FROM ${archive.startedAt}) * 1000)::bigint AS "startedAtMs",
          (extract(epoch FROM ${archive.createdAt}) * 1000)::bigint AS "createdAtMs", ${PARTIAL}::text AS workflow
        FROM ${archive} WHERE ${sql.join(conditions, sql` AND `)}
        ORDER BY ${archive.startedAt} DESC, ${archive.createdAt} DESC, ${archive.uid} DESC LIMIT ${limit} OFFSET ${query.offset ?? 0}`),
    );
    const workflows = rows.map((row) => fromArchiveText(row.workflow, this.#nullReplacement));
    const last = rows.at(-1);
    if (rows.length < limit || !last) return { workflows };
    const { startedAtMs, createdAtMs, uid } = last;
    return { workflows, next: { startedAtMs, createdAtMs, uid } };
  }

  /** How many a query matches, without regard to limit, cursor and offset. */
  async count(query: ArchiveQuery): Promise<number> {
    const conditions = this.#conditions(query);
    const rows = await this.#database.run<{ count: number }>(
      toStatement(sql`SELECT count(*) AS count FROM ${archive} WHERE ${sql.join(conditions, sql` AND `)}`),
    );
    return rows[0]?.count ?? 0;
  }

  /** False where there is no such row. */
  async delete(uid: string): Promise<boolean> {
    const rows = await this.#database.run({
      text: 'DELETE FROM argo_archived_workflows WHERE clustername = $1 AND uid = $2 RETURNING 1',
      values: [this.#clusterName, uid],
    });
    return rows.length > 0;
  }

  async labelKeys(namespace?: string): Promise<string[]> {
    const rows = await this.#database.run<{ name: string }>(
      toStatement(sql`SELECT DISTINCT ${labels.name} AS name FROM ${labels} ${this.#labelScope(namespace)} ORDER BY 1`),
    );
    return rows.map(({ name }) => name);
  }

  async labelValues(key: string, namespace?: string): Promise<string[]> {
    const rows = await this.#database.run<{ value: string }>(
      toStatement(
        sql`SELECT DISTINCT ${labels.value} AS value FROM ${labels} ${this.#labelScope(namespace)} AND ${labels.name} = ${key} ORDER BY 1`,
      ),
    );
    return rows.map(({ value }) => value);
  }

  /** Archive TTL: deletes at most `limit` workflows that finished before `finishedBeforeMs`; gives how many. */
  async deleteFinishedBefore(finishedBeforeMs: number, limit: number): Promise<number> {
    const rows = await this.#database.run({
      text: `
        DELETE FROM argo_archived_workflows WHERE (clustername, uid) IN (
          SELECT clustername, uid FROM argo_archived_workflows
          WHERE clustername = $1 AND instanceid = $2 AND finishedat < $3::timestamp LIMIT $4) RETURNING 1`,
      values: [this.#clusterName, this.#instanceId, timestampOf(finishedBeforeMs), limit],
    });
    return rows.length;
  }

  async #getOne(condition: SQL): Promise<Workflow | undefined> {
    const rows = await this.#database.run<{ workflow: string }>(
      toStatement(sql`
        SELECT ${archive.workflow}::text AS workflow FROM ${archive}
        WHERE ${archive.clusterName} = ${this.#clusterName} AND ${archive.instanceId} = ${this.#instanceId} AND ${condition}
        ORDER BY ${archive.startedAt} DESC LIMIT 1`),
    );
    return rows[0] && fromArchiveText(rows[0].workflow, this.#nullReplacement);
  }

  #labelScope(namespace: string | undefined): SQL {
    return sql`
      JOIN ${archive} ON ${archive.clusterName} = ${labels.clusterName} AND ${archive.uid} = ${labels.uid}
      WHERE ${archive.clusterName} = ${this.#clusterName} AND ${archive.instanceId} = ${this.#instanceId}
        AND (${namespace ?? ''} = '' OR ${archive.namespace} = ${namespace ?? ''})`;
  }

  #conditions(query: ArchiveQuery): SQL[] {
    const conditions: SQL[] = [
      sql`${archive.clusterName} = ${this.#clusterName}`,
      sql`${archive.instanceId} = ${this.#instanceId}`,
    ];
    const add = <Value>(value: Value | undefined, condition: (value: Value) => SQL) => {
      if (value !== undefined) conditions.push(condition(value));
    };
    add(query.namespace, (value) => sql`${archive.namespace} = ${value}`);
    add(query.notNamespace, (value) => sql`${archive.namespace} <> ${value}`);
    add(query.name, ({ match, value }) => nameCondition(match, value));
    add(query.phases, (values) => sql`${archive.phase} = ANY(${sql.param([...values])}::text[])`);
    add(query.createdAfterMs, (value) => sql`${archive.createdAt} > ${timestampOf(value)}::timestamp`);
    add(query.startedAfterMs, (value) => sql`${archive.startedAt} > ${timestampOf(value)}::timestamp`);
    add(query.startedBeforeMs, (value) => sql`${archive.startedAt} < ${timestampOf(value)}::timestamp`);
    add(query.finishedBeforeMs, (value) => sql`${archive.finishedAt} < ${timestampOf(value)}::timestamp`);
    if (query.notLive)
      conditions.push(
        sql`NOT EXISTS (SELECT 1 FROM workflows live WHERE live.uid = ${archive.uid} AND live.deleted_at_ms IS NULL)`,
      );
    for (const requirement of query.labels ?? []) conditions.push(archivedLabelCondition(requirement));
    return conditions;
  }
}

/** What Argo's archive list returns of each workflow (persist/sqldb/workflow_archive.go, ListWorkflows). */
const PARTIAL = sql`jsonb_strip_nulls(jsonb_build_object(
  'apiVersion', ${archive.workflow} -> 'apiVersion', 'kind', ${archive.workflow} -> 'kind', 'metadata', ${archive.workflow} -> 'metadata',
  'spec', jsonb_build_object('arguments', ${archive.workflow} -> 'spec' -> 'arguments', 'suspend', ${archive.workflow} -> 'spec' -> 'suspend'),
  'status', jsonb_build_object(
    'phase', ${archive.workflow} -> 'status' -> 'phase', 'startedAt', ${archive.workflow} -> 'status' -> 'startedAt',
    'finishedAt', ${archive.workflow} -> 'status' -> 'finishedAt', 'progress', ${archive.workflow} -> 'status' -> 'progress',
    'message', ${archive.workflow} -> 'status' -> 'message', 'estimatedDuration', ${archive.workflow} -> 'status' -> 'estimatedDuration',
    'resourcesDuration', ${archive.workflow} -> 'status' -> 'resourcesDuration')))`;

function archivedLabelCondition(requirement: LabelRequirement): SQL {
  const own = sql`FROM ${labels} WHERE ${labels.clusterName} = ${archive.clusterName} AND ${labels.uid} = ${archive.uid} AND ${labels.name} = ${requirement.key}`;
  // An EXISTS lets Postgres begin with the index on (name, value).
  if (requirement.operator === 'in')
    return sql`EXISTS (SELECT 1 ${own} AND ${labels.value} = ANY(${sql.param(requirement.values)}::text[]))`;
  return labelCondition(requirement, sql`(SELECT ${labels.value} ${own})`);
}

function nameCondition(match: NameMatch, value: string): SQL {
  switch (match) {
    case 'exact':
      return sql`${archive.name} = ${value}`;
    case 'not-equal':
      return sql`${archive.name} <> ${value}`;
    case 'prefix':
      return sql`starts_with(${archive.name}, ${value})`;
    case 'contains':
      return sql`strpos(${archive.name}, ${value}) > 0`;
  }
}

/** UTC without a zone, as the columns are. */
const timestampOf = (timeMs: number): string => new Date(timeMs).toISOString().slice(0, -1);

const timestamp = (time: string | null | undefined, fallbackMs: number): string =>
  timestampOf(time ? parseTime(time) : fallbackMs);
