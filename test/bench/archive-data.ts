import type { Executor } from '#libs/store';

/** Labels of a generated workflow, and of how many values each is. Three more are the ones that Argo itself sets. */
export const LABEL_VALUES = { team: 20, env: 3, app: 500, owner: 2_000, tier: 4, region: 8, batch: 10_000 } as const;
/** Names are `<kind>-<number>`, of so many kinds. */
export const NAME_KINDS = 1_000;
const NAMESPACES = 10;
/** Workflows that are made in one statement. */
const CHUNK = 100_000;

/** A value of a label, spread evenly and apart from the other labels. */
const valueSql = (label: string, count: number, index: number): string =>
  `'${label}-' || ((n * ${2 * index + 7} + n / ${count}) % ${count})`;

const labelsSql = (): string =>
  [
    ...Object.entries(LABEL_VALUES).map(([label, count], index) => `'${label}', ${valueSql(label, count, index)}`),
    `'workflows.argoproj.io/completed', 'true'`,
    `'workflows.argoproj.io/phase', CASE WHEN n % 10 = 0 THEN 'Failed' ELSE 'Succeeded' END`,
    `'workflows.argoproj.io/workflow-archiving-status', 'Persisted'`,
  ].join(', ');

/** About two kilobytes of JSON: an object with a step and its pod. */
const workflowSql = `jsonb_build_object(
  'apiVersion', 'argoproj.io/v1alpha1', 'kind', 'Workflow',
  'metadata', jsonb_build_object('uid', uid, 'name', name, 'namespace', namespace, 'creationTimestamp', at, 'labels', labels),
  'spec', jsonb_build_object('entrypoint', 'main', 'arguments', jsonb_build_object('parameters', jsonb_build_array(jsonb_build_object('name', 'n', 'value', n::text))),
    'templates', jsonb_build_array(jsonb_build_object('name', 'main', 'container', jsonb_build_object('image', 'busybox', 'command', jsonb_build_array('sh', '-c'), 'args', jsonb_build_array(repeat(md5(n::text), 20)))))),
  'status', jsonb_build_object('phase', phase, 'startedAt', at, 'finishedAt', at, 'progress', '1/1', 'message', '',
    'nodes', jsonb_build_object(name, jsonb_build_object('id', name, 'name', name, 'type', 'Pod', 'phase', phase, 'templateName', 'main', 'message', repeat(md5(name), 20)))))`;

const rowsSql = (from: number, to: number): string => `
WITH plain AS (
  SELECT n, 'uid-' || lpad(n::text, 32, '0') AS uid, 'kind' || (n % ${NAME_KINDS}) || '-' || n AS name, 'ns-' || (n % ${NAMESPACES}) AS namespace,
    CASE WHEN n % 10 = 0 THEN 'Failed' ELSE 'Succeeded' END AS phase,
    to_char(timestamp '2026-01-01' + n * interval '2 seconds', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS at,
    timestamp '2026-01-01' + n * interval '2 seconds' AS time, jsonb_build_object(${labelsSql()}) AS labels
  FROM generate_series(${from}, ${to}) n
), archived AS (
  INSERT INTO argo_archived_workflows (uid, name, phase, namespace, workflow, startedat, finishedat, clustername, instanceid, creationtimestamp)
  SELECT uid, name, phase, namespace, ${workflowSql}, time, time + interval '1 second', 'default', '', time FROM plain
)
INSERT INTO argo_archived_workflows_labels (clustername, uid, name, value)
SELECT 'default', uid, l.key, l.value FROM plain, jsonb_each_text(labels) l`;

interface Index {
  name: string;
  definition: string;
}

/**
 * Fills an empty archive with so many workflows of ten labels each; indexes are made when the rows are there, ours last, after
 * `withoutOurs` was called. Keys to other tables are not checked meanwhile.
 */
export const fillArchive = async (connection: Executor, count: number, withoutOurs: () => Promise<void>): Promise<void> => {
  const run = (text: string): Promise<unknown> => connection.run({ text });
  await run('SET session_replication_role = replica');
  await run('SET statement_timeout = 0');
  await run(`SET maintenance_work_mem = '512MB'`);
  const indexes = await connection.run<Index>({
    text: `SELECT indexname AS name, indexdef AS definition FROM pg_indexes WHERE tablename LIKE 'argo_archived%' AND indexname NOT LIKE '%_pkey'`,
  });
  for (const { name } of indexes) await run(`DROP INDEX ${name}`);
  for (let from = 1; from <= count; from += CHUNK) await run(rowsSql(from, Math.min(count, from + CHUNK - 1)));
  const make = async (isOurs: boolean): Promise<void> => {
    for (const { name, definition } of indexes) if (name.startsWith('argosy_') === isOurs) await run(definition);
    await run('VACUUM ANALYZE argo_archived_workflows');
    await run('VACUUM ANALYZE argo_archived_workflows_labels');
  };
  await make(false);
  await withoutOurs();
  await make(true);
};
