import { type SQL } from 'drizzle-orm';

import { sql } from '../connection/drizzle.js';
import { type LabelRequirement } from '../selectors/label-selector.js';
import { type NameMatch } from '../workflows/workflow-list.js';
import { type ArchiveDialect } from './archive-dialect.js';
import { type ArchiveCursor, type ArchiveQuery } from './archive-store.js';

/** Whose rows they are. */
export interface ArchiveScope {
  clusterName: string;
  instanceId: string;
}

export const all = (conditions: readonly SQL[]): SQL => sql.join([...conditions], sql` AND `);

/** UTC without a zone, as the columns are. */
export const timeOf = (timeMs: number): string => new Date(timeMs).toISOString().slice(0, -1).replace('T', ' ');

export const scopeConditions = ({ clusterName, instanceId }: ArchiveScope): SQL[] => [
  sql`a.clustername = ${clusterName}`,
  sql`a.instanceid = ${instanceId}`,
];

/** The first of them lets servers use an index that cannot compare rows. */
export const cursorConditions = (dialect: ArchiveDialect, after: ArchiveCursor | undefined): SQL[] => {
  if (after === undefined) return [];
  const startedAt = dialect.time(after.startedAt);
  return [
    sql`a.startedat <= ${startedAt}`,
    sql`(a.startedat, a.creationtimestamp, a.uid) < (${startedAt}, ${dialect.time(after.createdAt)}, ${after.uid})`,
  ];
};

/** What an index in the order of a list can tell besides the scope. */
export const placeConditions = (dialect: ArchiveDialect, query: ArchiveQuery): SQL[] => {
  const conditions: SQL[] = [];
  const time = (timeMs: number): SQL => dialect.time(timeOf(timeMs));
  if (query.namespace !== undefined) conditions.push(dialect.isOneOf(sql`a.namespace`, [query.namespace]));
  if (query.startedAfterMs !== undefined) conditions.push(sql`a.startedat > ${time(query.startedAfterMs)}`);
  if (query.startedBeforeMs !== undefined) conditions.push(sql`a.startedat < ${time(query.startedBeforeMs)}`);
  return conditions;
};

/** Everything else that a query says. */
export const filterConditions = (dialect: ArchiveDialect, query: ArchiveQuery): SQL[] => {
  const conditions: SQL[] = [];
  const time = (timeMs: number): SQL => dialect.time(timeOf(timeMs));
  if (query.notNamespace !== undefined) conditions.push(sql`NOT (${dialect.isOneOf(sql`a.namespace`, [query.notNamespace])})`);
  if (query.name !== undefined) conditions.push(nameCondition(dialect, query.name.match, query.name.value));
  if (query.phases !== undefined) conditions.push(dialect.isOneOf(sql`a.phase`, query.phases));
  if (query.createdAfterMs !== undefined) conditions.push(sql`a.creationtimestamp > ${time(query.createdAfterMs)}`);
  if (query.finishedBeforeMs !== undefined) conditions.push(sql`a.finishedat < ${time(query.finishedBeforeMs)}`);
  if (query.without !== undefined && query.without.length > 0) conditions.push(dialect.isNoneOf(sql`a.uid`, query.without));
  for (const requirement of query.labels ?? []) conditions.push(labelCondition(dialect, requirement));
  return conditions;
};

export const nameCondition = (dialect: ArchiveDialect, match: NameMatch, value: string): SQL => {
  switch (match) {
    case 'exact':
      return dialect.isOneOf(sql`a.name`, [value]);
    case 'not-equal':
      return sql`NOT (${dialect.isOneOf(sql`a.name`, [value])})`;
    case 'prefix':
      return dialect.startsWith(sql`a.name`, value);
    case 'contains':
      return dialect.contains(sql`a.name`, value);
  }
};

/**
 * A scalar subquery, looked up by the primary key for each row: as an EXISTS a planner might begin with the label's rows, of which there
 * may be very many; where that pays, the list begins there by itself.
 */
const labelCondition = (dialect: ArchiveDialect, requirement: LabelRequirement): SQL => {
  const named = sql`l.clustername = a.clustername AND l.uid = a.uid AND ${dialect.isOneOf(sql`l.name`, [requirement.key])}`;
  const having = (condition: SQL): SQL =>
    sql`(SELECT count(*) FROM argo_archived_workflows_labels l WHERE ${named} AND ${condition})`;
  switch (requirement.operator) {
    case 'in':
      return sql`${having(dialect.isOneOf(sql`l.value`, requirement.values))} > 0`;
    case 'notin':
      return sql`${having(dialect.isOneOf(sql`l.value`, requirement.values))} = 0`;
    case 'exists':
      return sql`${having(sql`1 = 1`)} > 0`;
    case 'absent':
      return sql`${having(sql`1 = 1`)} = 0`;
    case 'gt':
    case 'lt':
      return sql`${having(dialect.compareNumber(sql`l.value`, requirement.operator, requirement.value))} > 0`;
  }
};
