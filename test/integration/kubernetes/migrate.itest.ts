import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { type ArgoPlace, argoPlaceFromUrl, createStore, OffloadTable, openArgoDatabase, type Store } from '#libs/store';
import { missingPart, postgresTemplate, startMariadb, type TestDatabase, type TestMariadb } from '#libs/testing';
import { createProgram } from '../../../services/cli/src/program.js';

const clock = { nowMs: () => Date.UTC(2026, 0, 2) };
const mariadb: TestMariadb | undefined = await startMariadb();
const mariadbHint = mariadb === undefined ? ` (${missingPart('MariaDB')})` : '';
const PASSWORD = 'never-printed';

/** What the API server answers, by path; the rest is not found. */
const objects = new Map<string, unknown>();
const folder = mkdtempSync(path.join(tmpdir(), 'argosy-migrate-'));
const kubeconfig = path.join(folder, 'kubeconfig');
let server: Server;
let database: TestDatabase;
let own: Store;

beforeAll(async () => {
  server = createServer((request, response) => {
    const found = objects.get(new URL(request.url ?? '', 'http://api').pathname);
    response.writeHead(found === undefined ? 404 : 200, { 'content-type': 'application/json' });
    response.end(
      JSON.stringify(found ?? { kind: 'Status', status: 'Failure', reason: 'NotFound', message: 'not found', code: 404 }),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'c', cluster: { server: `http://127.0.0.1:${port}` } }],
    users: [{ name: 'u', user: {} }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
  };
  writeFileSync(kubeconfig, JSON.stringify(config));
  database = await postgresTemplate();
  own = createStore({ connection: database.connection, clock });
});
afterAll(async () => {
  await own.close();
  await database.drop();
  await mariadb?.stop();
  await new Promise((resolve) => server.close(resolve));
  rmSync(folder, { recursive: true });
});
afterEach(() => void vi.restoreAllMocks());

let count = 0;
const emptyPlace = async (dialect: ArgoPlace['dialect']): Promise<ArgoPlace> => {
  const name = `moving_${++count}`;
  if (dialect === 'mysql') {
    const place = argoPlaceFromUrl(mariadb?.createDatabase(name) ?? '');
    const account = `'argo'@'%' IDENTIFIED BY '${PASSWORD}'`;
    await changed(place, `CREATE USER IF NOT EXISTS ${account}`, `GRANT ALL ON ${name}.* TO 'argo'@'%'`);
    return { ...place, user: 'argo', password: PASSWORD };
  }
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

const CONFIGMAP = '/api/v1/namespaces/argo/configmaps/workflow-controller-configmap';
const SECRET = '/api/v1/namespaces/argo/secrets/argo-database';
const WORKFLOWS = '/apis/argoproj.io/v1alpha1/workflows';
const base64 = (text: string): string => Buffer.from(text).toString('base64');
const persistenceOf = (place: ArgoPlace, more: object = {}): string => {
  const { dialect, host, port, database: name } = place;
  const secret = (key: string) => ({ name: 'argo-database', key });
  const block = {
    ...{ host, ...(port === undefined ? {} : { port }), database: name, tableName: 'argo_workflows' },
    ...{ userNameSecret: secret('username'), passwordSecret: secret('password') },
  };
  const kind = dialect === 'mysql' ? 'mysql' : 'postgresql';
  return JSON.stringify({
    archive: true,
    archiveTTL: '30d',
    nodeStatusOffLoad: true,
    clusterName: 'blue',
    [kind]: block,
    ...more,
  });
};
const secretOf = ({ user = '', password = PASSWORD }: ArgoPlace): void =>
  void objects.set(SECRET, { data: { username: base64(user), password: base64(password) } });

const workflow = (name: string, status: object) => ({
  apiVersion: 'argoproj.io/v1alpha1',
  kind: 'Workflow',
  metadata: { name, namespace: 'lab', uid: name },
  spec: { entrypoint: 'main', templates: [{ name: 'main', suspend: {} }] },
  status,
});

interface Said {
  text: string;
  failed: boolean;
}
/** The command line in this process; what it prints, and whether it ends with an exit code. */
const migrate = async (...args: string[]): Promise<Said> => {
  let text = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((part) => {
    text += String(part);
    return true;
  });
  const run = createProgram().parseAsync(['node', 'argosy', 'migrate', '--kubeconfig', kubeconfig, ...args]);
  const failed = await run.then(
    () => false,
    (error: unknown) => {
      if ((error as { exitCode?: number }).exitCode !== 1) throw error;
      return true;
    },
  );
  vi.restoreAllMocks();
  expect(text).not.toContain(PASSWORD);
  return { text, failed };
};

const archiveRow = (uid: string, cluster: string, instance: string): string =>
  `INSERT INTO argo_archived_workflows (uid, name, phase, namespace, workflow, startedat, finishedat, clustername, instanceid)
    VALUES ('${uid}', 'w', 'Succeeded', 'lab', '{}', '2026-01-01 00:00:00', '2026-01-01 00:00:01', '${cluster}', '${instance}')`;

/** Argo's tables at its version, with an archive of two clusters and two instances, and the nodes of one of two live workflows. */
const filled = async (place: ArgoPlace): Promise<void> => {
  const argo = openArgoDatabase(place, { clock });
  for (const [at, [cluster, instance]] of [
    ['blue', ''],
    ['blue', ''],
    ['blue', 'other'],
    ['green', ''],
  ].entries())
    await argo.run({ text: archiveRow(`u${at}`, cluster ?? '', instance ?? '') });
  const row = { uid: 'there', version: 'fnv:1', namespace: 'lab', nodes: '{}', nowMs: clock.nowMs() };
  await new OffloadTable(argo, { clusterName: 'blue' }).save(row);
  await argo.close();
};
const changed = async (place: ArgoPlace, ...statements: string[]): Promise<void> => {
  const argo = openArgoDatabase({ ...place, skipMigration: true }, { clock });
  for (const text of statements) await argo.run({ text });
  await argo.close();
};

describe.each(['postgres', 'mysql'] as const)("argosy migrate reads Argo's database on %s", (dialect) => {
  const run = it.skipIf(dialect === 'mysql' && mariadb === undefined);
  let place: ArgoPlace;

  run(`and says what it holds${dialect === 'mysql' ? mariadbHint : ''}`, async () => {
    place = await emptyPlace(dialect);
    await filled(place);
    secretOf(place);
    objects.set(CONFIGMAP, { data: { persistence: persistenceOf(place) } });
    objects.set(WORKFLOWS, {
      kind: 'WorkflowList',
      metadata: {},
      items: [
        workflow('there', { phase: 'Running', offloadNodeStatusVersion: 'fnv:1' }),
        workflow('over', { phase: 'Succeeded', offloadNodeStatusVersion: 'fnv:2' }),
      ],
    });
    const { text, failed } = await migrate();
    expect(text).toContain(`read: ${dialect} ${place.host}:`);
    expect(text).toContain('archive: on, kept for 30d; offloading of nodes: on');
    expect(text).toContain('schema version 68: used in place');
    expect(text).toContain('argo_archived_workflows: 2 of cluster name blue, instance ID (none)');
    expect(text).toContain('argo_archived_workflows: 1 of cluster name blue, instance ID other');
    expect(text).toContain('argo_archived_workflows: 1 of cluster name green, instance ID (none)');
    expect(text).toContain('argo_workflows: 1 of cluster name blue');
    expect(text).toContain('differs: archived workflows of other cluster names or instance IDs are neither shown nor deleted');
    expect(text).toContain('1 unfinished workflows have their nodes here: 1 of 1 looked for were found');
    expect(text.includes('compared to the letter')).toBe(dialect === 'mysql');
    expect(text).toContain('Nothing stands in the way.');
    expect(failed).toBe(false);
  });

  run('by the whole configuration under one key, and names nodes that are missing', async () => {
    objects.set(CONFIGMAP, { data: { config: `persistence: ${persistenceOf(place)}` } });
    objects.set(WORKFLOWS, {
      kind: 'WorkflowList',
      metadata: {},
      items: [workflow('lost', { phase: 'Running', offloadNodeStatusVersion: 'fnv:1' })],
    });
    const { text, failed } = await migrate('-o', 'json');
    expect(JSON.parse(text)).toMatchObject({
      archive: { state: 'read', schemaVersion: 68, missingTables: [], needed: { workflows: 1, looked: 1, found: 0 } },
    });
    expect(text).toContain('nodes of 1 unfinished workflows are not here');
    expect(failed).toBe(true);
    objects.delete(WORKFLOWS);
  });

  run('also under another address, with the account of the Secrets', async () => {
    const { host, port, database: name } = place;
    objects.set(CONFIGMAP, { data: { persistence: persistenceOf({ ...place, host: 'unreachable.invalid' }) } });
    const at = host.startsWith('/') ? `localhost` : host;
    const url = `${dialect}://${at}${port === undefined ? '' : `:${port}`}/${name}?host=${encodeURIComponent(host)}`;
    expect(await migrate('--archive-url', url)).toMatchObject({
      failed: false,
      text: expect.stringContaining('read:') as string,
    });
    const away = await migrate();
    expect(away.failed).toBe(true);
    expect(away.text).toMatch(/could not be read: .*unreachable\.invalid[^]*give that as --archive-url/);
    expect(await migrate('--no-archive')).toMatchObject({ failed: false, text: expect.stringContaining('not asked') as string });
  });

  run('and says how its tables are taken, without a change to them', async () => {
    objects.set(CONFIGMAP, { data: { persistence: persistenceOf(place) } });
    await changed(place, 'UPDATE schema_history SET schema_version = 60');
    expect((await migrate()).text).toContain('brought to version 68 when a service first opens it');
    await changed(place, 'ALTER TABLE argo_archived_workflows DROP COLUMN instanceid');
    expect((await migrate()).text).toContain('argo_archived_workflows: 3 of cluster name blue\n');
    objects.set(CONFIGMAP, { data: { persistence: persistenceOf(place, { skipMigration: true }) } });
    expect((await migrate()).text).toContain('schema version 60, and skipMigration: let an Argo of version 4.1 migrate it once');
    objects.set(CONFIGMAP, { data: { persistence: persistenceOf(place) } });
    await changed(place, 'UPDATE schema_history SET schema_version = 70');
    expect((await migrate()).text).toContain('newer than 68, used in place and left as it is');
    await changed(place, 'DROP TABLE argo_archived_workflows_labels');
    expect((await migrate()).text).toContain('schema version 70, but missing tables: argo_archived_workflows_labels');
    await changed(place, 'DROP TABLE argo_workflows', 'CREATE TABLE argo_workflows (id varchar(128) PRIMARY KEY)');
    await changed(place, 'UPDATE schema_history SET schema_version = 9');
    const refused = await migrate();
    expect(refused.text).toContain('table argo_workflows has no column uid: it is older than what can be brought forward');
    expect(refused.failed).toBe(true);
    await changed(place, 'DROP TABLE argo_workflows', 'DROP TABLE argo_archived_workflows', 'DROP TABLE schema_history');
    const empty = await migrate();
    expect(empty.text).toContain('no tables yet (missing tables: argo_workflows, argo_archived_workflows');
    expect(empty.failed).toBe(false);
  });

  run('and what is wrong with a Secret, without its value', async () => {
    objects.set(SECRET, { data: { username: base64('nobody-such'), password: base64(PASSWORD) } });
    const wrong = await migrate();
    if (dialect === 'mysql') expect(wrong.text).toContain('could not be read');
    expect(wrong.text).not.toContain(base64(PASSWORD));
    objects.delete(SECRET);
    const missing = await migrate();
    expect(missing.text).toContain('userNameSecret names key username of Secret argo-database, which is not there');
    expect(missing.failed).toBe(true);
  });

  run('and counts no further than it has to', async () => {
    place = await emptyPlace(dialect);
    const argo = openArgoDatabase(place, { clock });
    const many = Array.from({ length: 10_050 }, (_, at) => `('m${at}', 'w', 'Succeeded', 'lab', '{}', 'blue', '')`);
    await argo.run({
      text: `INSERT INTO argo_archived_workflows (uid, name, phase, namespace, workflow, clustername, instanceid) VALUES ${many.join(',')}`,
    });
    await argo.close();
    secretOf(place);
    objects.set(CONFIGMAP, { data: { persistence: persistenceOf(place) } });
    expect((await migrate()).text).toContain('argo_archived_workflows: more than 10000 of cluster name blue');
  });
});
