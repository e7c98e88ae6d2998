import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import {
  missingPart,
  postgresTemplate,
  sharedFolder,
  sharedFolderHint,
  startMariadb,
  type TestDatabase,
  type TestMariadb,
} from '#libs/testing';

import { type ArgoDatabase, openArgoDatabase } from '../argo-database/argo-database.js';
import { argoPlaceFromUrl, type ArgoPlace } from '../argo-database/argo-place.js';
import { createStore, type Store } from '../store.js';
import { argoTables } from './argo-tables.js';
import { MYSQL_SCHEMA } from './mysql-schema.js';
import { POSTGRES_SCHEMA } from './postgres-schema.js';

const clock = { nowMs: () => Date.UTC(2026, 0, 2) };
const mariadb: TestMariadb | undefined = await startMariadb();
let database: TestDatabase;
let own: Store;
const opened: ArgoDatabase[] = [];

beforeAll(async () => {
  database = await postgresTemplate();
  own = createStore({ connection: database.connection, clock });
});
afterAll(async () => {
  for (const argo of opened) await argo.close();
  await own.close();
  await database.drop();
  await mariadb?.stop();
});

let count = 0;
/** An empty database on either server. */
const emptyPlace = async (dialect: ArgoPlace['dialect']): Promise<ArgoPlace> => {
  const name = `older_${++count}`;
  if (dialect === 'mysql') return argoPlaceFromUrl(mariadb?.createDatabase(name) ?? '');
  const { connectionString, host = '', port, user, password } = database.connection;
  await own.database.run({ text: `DROP DATABASE IF EXISTS ${name}` });
  await own.database.run({ text: `CREATE DATABASE ${name}` });
  if (connectionString !== undefined) return { ...argoPlaceFromUrl(connectionString), database: name };
  return {
    dialect,
    host,
    database: name,
    ...(port === undefined ? {} : { port }),
    ...(user === undefined ? {} : { user }),
    ...(password === undefined ? {} : { password }),
  };
};
const open = (place: ArgoPlace): ArgoDatabase => {
  const argo = openArgoDatabase(place, { clock });
  opened.push(argo);
  return argo;
};
/** Tables as an older Argo left them. */
const prepared = async (place: ArgoPlace, statements: readonly string[]): Promise<void> => {
  const argo = openArgoDatabase({ ...place, skipMigration: true }, { clock });
  for (const text of statements) await argo.run({ text });
  await argo.close();
};
const dialectOf = ({ dialect }: ArgoPlace) => (dialect === 'mysql' ? MYSQL_SCHEMA : POSTGRES_SCHEMA);
const shapeOf = async (argo: ArgoDatabase) => {
  const shape: Record<string, unknown> = {};
  for (const { name } of argoTables('argo_workflows')) {
    const standing = await dialectOf(argo.place).standing(argo, name);
    const ofArgo = [...(standing?.indexes ?? [])].filter(([index]) => !index.startsWith('argosy_'));
    shape[name] = {
      columns: Object.fromEntries([...(standing?.columns ?? [])].sort()),
      primaryKey: standing?.primaryKey,
      indexes: Object.fromEntries(ofArgo.sort()),
    };
  }
  return shape;
};
const versionOf = async (argo: ArgoDatabase) =>
  (await argo.run<{ version: number }>({ text: 'SELECT schema_version AS version FROM schema_history' })).map(
    ({ version }) => version,
  );

const WORKFLOW = JSON.stringify({
  metadata: {
    uid: 'u1',
    name: 'old',
    creationTimestamp: '2020-01-02T03:04:05Z',
    labels: { 'workflows.argoproj.io/controller-instanceid': 'mine', 'a.b/c': 'd' },
  },
  status: { message: 'nul \u0000 and \\u0000' },
});

const LITERAL: Record<ArgoPlace['dialect'], (text: string) => string> = {
  postgres: (text) => `'${text.replaceAll("'", "''")}'`,
  mysql: (text) => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`,
};

/** The long-lived shape of Argo 3.x, version 59. */
const version59 = (dialect: ArgoPlace['dialect']): string[] => [
  `CREATE TABLE argo_workflows (uid varchar(128) NOT NULL, namespace varchar(256) NOT NULL, clustername varchar(64) NOT NULL,
    version varchar(64) NOT NULL, nodes json NOT NULL, updatedat timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP, PRIMARY KEY (clustername, uid, version))`,
  'CREATE INDEX argo_workflows_i1 ON argo_workflows (clustername, namespace, updatedat)',
  `CREATE TABLE argo_archived_workflows (uid varchar(128) NOT NULL, name varchar(256) NOT NULL, phase varchar(25) NOT NULL,
    namespace varchar(256) NOT NULL, workflow json NOT NULL, startedat timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
    finishedat timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP, clustername varchar(64) NOT NULL, instanceid varchar(64) NOT NULL, PRIMARY KEY (clustername, uid))`,
  'CREATE INDEX argo_archived_workflows_i1 ON argo_archived_workflows (clustername, instanceid, namespace)',
  'CREATE INDEX argo_archived_workflows_i4 ON argo_archived_workflows (startedat)',
  `CREATE TABLE argo_archived_workflows_labels (clustername varchar(64) NOT NULL, uid varchar(128) NOT NULL, name varchar(317) NOT NULL,
    value varchar(63) NOT NULL, PRIMARY KEY (clustername, uid, name),
    FOREIGN KEY (clustername, uid) REFERENCES argo_archived_workflows (clustername, uid) ON DELETE CASCADE)`,
  'CREATE TABLE schema_history (schema_version int NOT NULL)',
  'INSERT INTO schema_history VALUES (59)',
  `INSERT INTO argo_archived_workflows VALUES ('u1', 'old', 'Succeeded', 'argo', ${LITERAL[dialect](WORKFLOW)}, '2020-01-02 03:04:06', '2020-01-02 03:04:07', 'default', '')`,
];

/** Before labels and instance ids had a place: version 44. */
const version44 = (dialect: ArgoPlace['dialect']): string[] => [
  `CREATE TABLE argo_workflows (uid varchar(128) NOT NULL, namespace varchar(256) NOT NULL, clustername varchar(64) NOT NULL,
    version varchar(64) NOT NULL, nodes json NOT NULL, updatedat timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP, PRIMARY KEY (clustername, uid, version))`,
  `CREATE TABLE argo_archived_workflows (uid varchar(128) NOT NULL, name varchar(256) NOT NULL, phase varchar(25) NOT NULL,
    namespace varchar(256) NOT NULL, workflow json NOT NULL, startedat timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
    finishedat timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP, clustername varchar(64) NOT NULL, PRIMARY KEY (clustername, uid))`,
  'CREATE TABLE schema_history (schema_version int NOT NULL)',
  'INSERT INTO schema_history VALUES (44)',
  `INSERT INTO argo_archived_workflows VALUES ('u1', 'old', 'Succeeded', 'argo', ${LITERAL[dialect](WORKFLOW)}, '2020-01-02 03:04:06', '2020-01-02 03:04:07', 'default')`,
];

const DIALECTS = ['postgres', 'mysql'] as const;
const mariadbHint = mariadb === undefined ? ` (${missingPart('MariaDB')})` : '';

describe.each(DIALECTS)("Argo's tables on %s", (dialect) => {
  const run = it.skipIf(dialect === 'mysql' && mariadb === undefined);

  run(
    `are made where there are none, and only once by many at the same time${dialect === 'mysql' ? mariadbHint : ''}`,
    async () => {
      const place = await emptyPlace(dialect);
      const several = [open(place), open(place), open(place)];
      expect(await Promise.all(several.map(async (argo) => (await argo.health()).message))).toEqual([
        undefined,
        undefined,
        undefined,
      ]);
      expect(await versionOf(several[0]!)).toEqual([68]);
    },
  );

  run.each([
    ['59', version59],
    ['44', version44],
  ] as const)('are brought forward from version %s to the shape that new ones have, with their rows', async (_, statements) => {
    const place = await emptyPlace(dialect);
    await prepared(place, statements(dialect));
    const argo = open(place);
    const fresh = open(await emptyPlace(dialect));
    expect(await shapeOf(argo)).toEqual(await shapeOf(fresh));
    expect(await versionOf(argo)).toEqual([68]);
    const [row] = await argo.run<{ created: string; workflow: string }>({
      text: `SELECT ${dialect === 'mysql' ? 'creationtimestamp' : 'creationtimestamp::text'} AS created,
        ${dialect === 'mysql' ? 'workflow' : 'workflow::text'} AS workflow FROM argo_archived_workflows`,
    });
    expect(row?.created).toMatch(/^2020-01-02 03:04:05/);
    expect(JSON.parse(row?.workflow ?? '')).toHaveProperty(
      'status.message',
      dialect === 'mysql' ? 'nul \u0000 and \\u0000' : 'nul ARGO_POSTGRES_NULL_REPLACEMENT and \\u0000',
    );
    if (statements === version44) {
      const labels = await argo.run({ text: 'SELECT uid, name, value FROM argo_archived_workflows_labels ORDER BY name' });
      expect(labels).toEqual([
        { uid: 'u1', name: 'a.b/c', value: 'd' },
        { uid: 'u1', name: 'workflows.argoproj.io/controller-instanceid', value: 'mine' },
      ]);
      expect(await argo.run({ text: 'SELECT instanceid FROM argo_archived_workflows' })).toEqual([{ instanceid: 'mine' }]);
    }
  });

  run('of a newer Argo are left as they are, and never brought back', async () => {
    const place = await emptyPlace(dialect);
    const first = open(place);
    await first.run({ text: 'UPDATE schema_history SET schema_version = 75' });
    const second = open(place);
    expect((await second.health()).ready).toBe(true);
    expect(await versionOf(second)).toEqual([75]);
  });

  run('are not touched where skipMigration says so', async () => {
    const place = await emptyPlace(dialect);
    await prepared(place, version59(dialect));
    const argo = open({ ...place, skipMigration: true });
    expect(await versionOf(argo)).toEqual([59]);
    const standing = await dialectOf(place).standing(argo, 'argo_archived_workflows');
    expect([...(standing?.columns.keys() ?? [])]).not.toContain('creationtimestamp');
  });

  run('older than clusters are refused with what to do', async () => {
    const place = await emptyPlace(dialect);
    await prepared(place, [
      'CREATE TABLE argo_workflows (id varchar(128) PRIMARY KEY)',
      'CREATE TABLE schema_history (schema_version int NOT NULL)',
      'INSERT INTO schema_history VALUES (9)',
    ]);
    const { ready, message } = await open(place).health();
    expect([ready, message]).toEqual([false, expect.stringContaining('let an Argo of version 3 or 4 migrate it once')]);
  });
});

/** Tables as psql's `\d` prints them: columns with their types, keys and indexes with their columns. */
const printedShapes = (text: string): Record<string, unknown> =>
  Object.fromEntries(
    text.split(/^ +Table "public\./m).flatMap((section) => {
      const name = /^(\w+)"/.exec(section)?.[1];
      if (name === undefined) return [];
      const columns = [...section.matchAll(/^ (\w+) +\| ([a-z][^|]*?) +\|/gm)].filter(([, column]) => column !== 'Column');
      const indexes = [...section.matchAll(/^ +"(\w+)" (PRIMARY KEY, )?btree \((.*)\)$/gm)];
      const parts = (list = ''): string[] => list.split(', ');
      const shape = {
        columns: Object.fromEntries(columns.map(([, column = '', type]): [string, unknown] => [column, type]).sort()),
        primaryKey: indexes.filter(([, , primary]) => primary !== undefined).flatMap(([, , , list]) => parts(list)),
        indexes: Object.fromEntries(
          indexes
            .filter(([, , primary]) => primary === undefined)
            .map(([, index = '', , list]) => [index, parts(list)] as const)
            .sort(),
        ),
      };
      return [[name, shape] as const];
    }),
  );

describe('a database that a real Argo v4.1 has made', () => {
  const file = ['conformance', 'records', 'ladder', 'tables.sql.txt'];
  const recorded = sharedFolder(...file);
  const hint = recorded === undefined ? ` (${sharedFolderHint(...file)})` : '';

  it.skipIf(recorded === undefined)(`has the columns, keys and indexes of ours${hint}`, async () => {
    const printed = printedShapes(readFileSync(recorded ?? '', 'utf8'));
    expect(Object.keys(printed)).toHaveLength(4);
    expect(await shapeOf(open(await emptyPlace('postgres')))).toEqual(printed);
  });
});

describe('a session on MySQL', () => {
  it.skipIf(mariadb === undefined)('is in UTC, strict, reads what is committed, and gives statements up in time', async () => {
    const argo = open(await emptyPlace('mysql'));
    const text = 'SELECT @@time_zone AS zone, @@sql_mode AS mode, @@tx_isolation AS isolation, @@max_statement_time AS seconds';
    expect(await argo.run({ text })).toEqual([
      { zone: '+00:00', mode: 'STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION', isolation: 'READ-COMMITTED', seconds: 30 },
    ]);
  });
});
