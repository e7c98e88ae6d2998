import { type SQL } from 'drizzle-orm';

import { sql } from '../connection/drizzle.js';
import { type LabelRequirement } from '../selectors/label-selector.js';
import { all, type ArchiveScope, nameCondition, scopeConditions } from './archive-conditions.js';
import { type ArchiveDialect } from './archive-dialect.js';
import { type ArchiveQuery } from './archive-store.js';

/** A requirement that only rows with the label can meet, so that the index of labels finds all of them. */
const isPositive = ({ operator }: LabelRequirement): boolean => operator !== 'notin' && operator !== 'absent';

/**
 * A query for the uids that a name or labels leave, out of an index that has them together; undefined where the query says nothing of the
 * kind. Its rows are a superset of what the whole query matches.
 */
export const driverOf = (dialect: ArchiveDialect, scope: ArchiveScope, query: ArchiveQuery): SQL | undefined => {
  const { name, labels = [] } = query;
  if (name?.match === 'exact') return nameDriver(dialect, scope, name);
  const positive = labels.filter(isPositive);
  if (positive.length > 0) return labelDriver(dialect, scope, positive);
  return name?.match === 'prefix' ? nameDriver(dialect, scope, name) : undefined;
};

/** The same, one for each label or name by itself: the smallest of them may be small enough. */
export const singleDriversOf = (dialect: ArchiveDialect, scope: ArchiveScope, query: ArchiveQuery): SQL[] => {
  const { name, labels = [] } = query;
  const isNamed = name?.match === 'exact' || name?.match === 'prefix';
  return [
    ...(isNamed ? [nameDriver(dialect, scope, name)] : []),
    ...labels.filter(isPositive).map((requirement) => labelDriver(dialect, scope, [requirement])),
  ];
};

const nameDriver = (dialect: ArchiveDialect, scope: ArchiveScope, { match, value }: NonNullable<ArchiveQuery['name']>): SQL =>
  sql`SELECT a.uid FROM argo_archived_workflows a WHERE ${all([...scopeConditions(scope), nameCondition(dialect, match, value)])}`;

const labelDriver = (dialect: ArchiveDialect, { clusterName }: ArchiveScope, requirements: readonly LabelRequirement[]): SQL => {
  const tables = requirements.map((_, index) =>
    sql.raw(
      index === 0
        ? 'argo_archived_workflows_labels l0'
        : `JOIN argo_archived_workflows_labels l${index} ON l${index}.clustername = l0.clustername AND l${index}.uid = l0.uid`,
    ),
  );
  const conditions = requirements.flatMap((requirement, index) => {
    const column = (name: string): SQL => sql.raw(`l${index}.${name}`);
    return [
      sql`${column('clustername')} = ${clusterName}`,
      dialect.isOneOf(column('name'), [requirement.key]),
      ...valueConditions(dialect, requirement, column('value')),
    ];
  });
  return sql`SELECT l0.uid FROM ${sql.join(tables, sql` `)} WHERE ${all(conditions)}`;
};

const valueConditions = (dialect: ArchiveDialect, requirement: LabelRequirement, value: SQL): SQL[] => {
  if (requirement.operator === 'in') return [dialect.isOneOf(value, requirement.values)];
  if (requirement.operator === 'gt' || requirement.operator === 'lt') {
    return [dialect.compareNumber(value, requirement.operator, requirement.value)];
  }
  return [];
};
