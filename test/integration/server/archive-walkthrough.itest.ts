import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { type ArgoPlace, argoPlaceFromUrl, openArgoDatabase } from '#libs/store';
import { eventually, missingPart, sharedFolder, sharedFolderHint, startMariadb, type TestMariadb } from '#libs/testing';
import type { Workflow } from '#libs/workflow-spec';
import { createProgram } from '../../../services/cli/src/program.js';
import { startStackUnderTest, type StackUnderTest } from './stack-under-test.js';

const mariadb: TestMariadb | undefined = await startMariadb();
const hint = mariadb === undefined ? ` (${missingPart('MariaDB')})` : '';

let stack: StackUnderTest;
beforeAll(async () => {
  stack = await startStackUnderTest();
});
afterAll(async () => {
  await stack.close();
  await mariadb?.stop();
});
afterEach(() => void vi.restoreAllMocks());

interface Listing {
  metadata: { continue?: string };
  items: Workflow[] | null;
}

const call = async <Body>(method: string, path: string, body?: unknown): Promise<{ status: number; body: Body }> => {
  const response = await fetch(stack.url + path, {
    method,
    ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as Body };
};
const live = (name: string): string => `/api/v1/workflows/lab/${name}`;
const get = async (name: string): Promise<Workflow> => (await call<Workflow>('GET', live(name))).body;
const ARCHIVING = 'workflows.argoproj.io/workflow-archiving-status';
const archivingOf = async (name: string): Promise<string | undefined> => (await get(name)).metadata?.labels?.[ARCHIVING];

/** The command line in this process, against the stack; gives what it prints. */
const cli = async (...args: string[]): Promise<string> => {
  let said = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    said += String(text);
    return true;
  });
  await createProgram().parseAsync(['node', 'argosy', '-s', stack.url, '-n', 'lab', ...args]);
  vi.restoreAllMocks();
  return said;
};

let edition = 0;
/** Resolves when the programs go by it. */
const configure = async (persistence: object): Promise<void> => {
  const navColor = `edition-${++edition}`;
  const data = { navColor, persistence: JSON.stringify(persistence) };
  const metadata = { name: 'workflow-controller-configmap', namespace: 'argo' };
  const path = '/api/argosy/v1/resources/configmaps/argo/workflow-controller-configmap';
  expect((await call('PUT', path, { apiVersion: 'v1', kind: 'ConfigMap', metadata, data })).status).toBe(200);
  const isInEffect = async () => (await call<{ navColor: string }>('GET', '/api/v1/info')).body.navColor === navColor;
  await eventually(isInEffect, 'the configuration is in effect');
};

const submit = (name: string): Promise<{ status: number }> =>
  call('POST', '/api/v1/workflows/lab', {
    workflow: {
      metadata: { name, labels: { walk: name } },
      spec: {
        entrypoint: 'main',
        arguments: { parameters: [{ name: 'n', value: '1' }] },
        templates: [{ name: 'main', container: { image: 'sim', command: ['sim'], args: ['exit=0'] } }],
      },
    },
  });
/** What artifact-gc does, which this stack has not: without it a deletion waits. */
const planArtifactCollection = (uid: string): Promise<unknown> =>
  stack.store.database.run({
    text: `INSERT INTO artifact_gc_plans (workflow, strategy, planned_at_ms) VALUES ($1, 'OnWorkflowDeletion', 0)`,
    values: [uid],
  });

/** Rows beside our own tables: none where the archive is elsewhere. */
const ownRows = async (uid: string): Promise<number> =>
  (await stack.store.database.run({ text: 'SELECT 1 FROM argo_archived_workflows WHERE uid = $1', values: [uid] })).length;

const secret = async (data: Record<string, string>): Promise<void> => {
  const metadata = { name: 'archive', namespace: 'argo' };
  const answer = await call('PUT', '/api/argosy/v1/resources/secrets/argo/archive', {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata,
    data,
  });
  expect(answer.status).toBe(200);
};
const mysqlBlock = async (): Promise<object> => {
  await secret({ user: Buffer.from('root').toString('base64'), word: '' });
  const { host, port, database } = argoPlaceFromUrl(mariadb?.createDatabase('walkthrough') ?? '');
  const secrets = { userNameSecret: { name: 'archive', key: 'user' }, passwordSecret: { name: 'archive', key: 'word' } };
  return { mysql: { host, port, database, tableName: 'argo_workflows', ...secrets } };
};

/** Another database on the server of the first. */
const otherPostgres = (): ArgoPlace => {
  const { connectionString, host = '', ssl: _ssl, ...parts } = stack.connection;
  const place = connectionString === undefined ? { ...parts, host } : argoPlaceFromUrl(connectionString);
  return { ...place, dialect: 'postgres', database: 'walkthrough' };
};
const CLUSTER = 'blue';
const postgresBlock = async (): Promise<object> => {
  await stack.store.database.run({ text: 'DROP DATABASE IF EXISTS walkthrough WITH (FORCE)' });
  await stack.store.database.run({ text: 'CREATE DATABASE walkthrough' });
  const { host, port, user = '', password = '' } = otherPostgres();
  await secret({ user: Buffer.from(user).toString('base64'), word: Buffer.from(password).toString('base64') });
  const secrets = { userNameSecret: { name: 'archive', key: 'user' }, passwordSecret: { name: 'archive', key: 'word' } };
  const pool = { connectionPool: { maxOpenConns: 2, maxIdleConns: 1, connMaxLifetime: '1h' } };
  const postgresql = { host, port, database: 'walkthrough', tableName: 'argo_nodes', ...secrets };
  return { ...pool, clusterName: CLUSTER, postgresql };
};

describe.each([
  ['in another Postgres', true, postgresBlock, 'kept-beside'],
  ['beside our own tables', true, () => Promise.resolve({}), 'kept-here'],
  [`in MariaDB${hint}`, mariadb !== undefined, mysqlBlock, 'kept-there'],
] as const)('a finished workflow whose archive is %s', (place, isThere, block, name) => {
  const rowsHere = name === 'kept-here' ? 1 : 0;
  let persistence: object;
  let uid: string;

  it.skipIf(!isThere)(`is archived, listed once, and read when it is no longer live (${place})`, async () => {
    persistence = { archive: true, archiveTTL: '30d', ...(await block()) };
    await configure(persistence);
    await submit(name);
    await eventually(async () => (await archivingOf(name)) === 'Archived', 'it is archived');
    uid = (await get(name)).metadata.uid ?? '';
    expect(await ownRows(uid)).toBe(rowsHere);
    const selector = `listOptions.labelSelector=walk%3D${name}`;
    const merged = async () =>
      (await call<Listing>('GET', `/api/v1/workflows/lab?${selector}`)).body.items?.map(({ metadata }) => metadata.uid);
    expect(await merged()).toEqual([uid]);

    expect((await call('DELETE', live(name))).status).toBe(200);
    await planArtifactCollection(uid);
    await eventually(async () => (await archivingOf(name)) === 'Persisted', 'only the archive has it');
    expect(await merged()).toEqual([uid]);
    const archived = (await call<Listing>('GET', `/api/v1/archived-workflows?namespace=lab&${selector}`)).body;
    expect(archived).toMatchObject({ metadata: {}, items: [{ metadata: { name, uid }, status: { phase: 'Succeeded' } }] });
    const whole = (await call<Workflow>('GET', `/api/v1/archived-workflows/${uid}`)).body;
    expect(whole.status?.nodes).toHaveProperty([name, 'phase'], 'Succeeded');
    expect(
      await call('GET', `/api/v1/archived-workflows/00000000-0000-0000-0000-000000000000?namespace=lab&name=${name}`),
    ).toMatchObject({
      status: 200,
      body: { metadata: { uid } },
    });
  });

  it.skipIf(!isThere)(`is found, shown and run again by the command line, by name and by UID (${place})`, async () => {
    expect(await cli('archive', 'list', '-l', `walk=${name}`, '-o', 'name')).toBe(`${name}\n`);
    expect(await cli('archive', 'get', name)).toMatch(new RegExp(`^Name: +${name}\n`));
    expect(await cli('archive', 'get', '--uid', uid, '-o', 'name')).toBe(`${name}\n`);
    expect((await cli('archive', 'list-label-values', '-l', 'walk')).split('\n')).toContain(name);
    const again = /^Name: +(\S+)/.exec(await cli('archive', 'resubmit', name, '-p', 'n=2'))?.[1] ?? '';
    await eventually(async () => (await get(again)).status?.phase === 'Succeeded', 'it has run again');
    const { body } = await call<Workflow>('PUT', `/api/v1/archived-workflows/${uid}/resubmit`, { namespace: 'lab' });
    expect(body.metadata.labels).toMatchObject({ 'workflows.argoproj.io/resubmitted-from-workflow': name });
    await expect(cli('archive', 'get', 'nobody')).rejects.toThrow('no archived workflow in namespace lab has the name nobody');
  });

  it.skipIf(name !== 'kept-beside')('has the name of the cluster in its row, under a name of the table of its own', async () => {
    const other = openArgoDatabase(otherPostgres(), { clock: { nowMs: () => Date.now() } });
    const text = 'SELECT clustername FROM argo_archived_workflows WHERE uid = $1';
    expect(await other.run({ text, values: [uid] })).toEqual([{ clustername: CLUSTER }]);
    expect(await other.run({ text: 'SELECT 1 FROM argo_nodes' })).toEqual([]);
    await other.close();
  });

  it.skipIf(!isThere || name !== 'kept-there')(
    'waits while the database of the archive is away, live and listed, and is archived when it is back',
    async () => {
      const late = `${name}-late`;
      await mariadb?.kill();
      await submit(late);
      await eventually(async () => (await get(late)).status?.phase === 'Succeeded', 'it has ended');
      expect(await archivingOf(late)).toBe('Pending');
      const listed = await call<Listing>('GET', `/api/v1/workflows/lab?listOptions.labelSelector=walk%3D${late}`);
      expect(listed).toMatchObject({ status: 200, body: { items: [{ metadata: { name: late } }] } });
      expect((await call('GET', live(`nobody`))).status).toBe(503);
      await mariadb?.start();
      await eventually(async () => (await archivingOf(late)) === 'Archived', 'it is archived', 30_000);
    },
  );

  it.skipIf(!isThere)(`goes when archiveTTL has passed since its end (${place})`, async () => {
    await configure({ ...persistence, archiveTTL: '1s' });
    const path = `/api/v1/archived-workflows/${uid}`;
    await eventually(async () => (await call('GET', path)).status === 404, 'its time is over');
    expect((await call('GET', live(name))).status).toBe(404);
  });
});

it('is left out of the archive where archiveLabelSelector does not select it', async () => {
  const matchExpressions = [{ key: 'walk', operator: 'In', values: ['selected'] }];
  await configure({ archive: true, archiveLabelSelector: { matchExpressions } });
  for (const name of ['passed-over', 'selected']) await submit(name);
  await eventually(async () => (await archivingOf('selected')) === 'Archived', 'the one that is selected is archived');
  await eventually(async () => {
    const text = `SELECT 1 FROM workflow_state s JOIN workflows w USING (uid) LEFT JOIN handoffs h ON h.workflow = w.uid AND h.queue = 'archive'
      WHERE w.name = 'passed-over' AND s.completed AND h.workflow IS NULL`;
    return (await stack.store.database.run({ text })).length === 1;
  }, 'the archiver is done with the other');
  const { items } = (await call<Listing>('GET', '/api/v1/archived-workflows?namespace=lab')).body;
  expect(items?.map(({ metadata }) => metadata.name)).toEqual(expect.arrayContaining(['selected']));
  expect(items?.map(({ metadata }) => metadata.name)).not.toContain('passed-over');
});

const parts = ['conformance', 'records', 'ladder', 'little.json'];
const recorded = sharedFolder(...parts);

/** Times, what they make of resources, and what a run of its own has differ; everything else is the same. */
const comparable = ({ apiVersion, kind, metadata, spec, status }: Workflow): object => {
  const { uid, resourceVersion, generation, creationTimestamp, annotations = {}, ...named } = metadata;
  const traceless = Object.entries(annotations).filter(([key]) => !key.endsWith('/trace-id'));
  const text = JSON.stringify({ spec, status })
    .replace(/"\d{4}-\d\d-\d\dT[\d:]+Z"/g, '"a time"')
    .replace(/("cpu"|"memory"):\d+/g, '$1:0');
  const present = { uid, resourceVersion, generation, creationTimestamp };
  const types = Object.fromEntries(Object.entries(present).map(([key, value]) => [key, typeof value]));
  return { apiVersion, kind, named, types, annotations: Object.fromEntries(traceless), ...(JSON.parse(text) as object) };
};

describe.skipIf(recorded === undefined)(
  `the row of an archived workflow${recorded === undefined ? ` (${sharedFolderHint(...parts)})` : ''}`,
  () => {
    it('is the one that a real Argo wrote of the same workflow', async () => {
      const { argo_archived_workflows: rows } = JSON.parse(readFileSync(recorded ?? '', 'utf8')) as {
        argo_archived_workflows: { workflow: Workflow }[];
      };
      const wanted = rows[0]?.workflow as Workflow;
      await configure({ archive: true });
      const workflow = { metadata: { name: 'little' }, spec: wanted.spec };
      expect((await call('POST', '/api/v1/workflows/lab', { workflow })).status).toBe(200);
      await eventually(async () => (await archivingOf('little')) === 'Archived', 'it is archived');
      const { uid = '' } = (await get('little')).metadata;
      const [row] = await stack.store.database.run<{ workflow: Workflow }>({
        text: 'SELECT workflow FROM argo_archived_workflows WHERE uid = $1',
        values: [uid],
      });
      expect(comparable(row?.workflow as Workflow)).toEqual(comparable(wanted));
    });
  },
);
