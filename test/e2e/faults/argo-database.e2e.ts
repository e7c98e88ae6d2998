import { type ArgoDatabase, argoPlaceFromUrl, openArgoDatabase } from '#libs/store';
import { missingPart, startMariadb, type TestMariadb } from '#libs/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Workflow } from '#libs/workflow-spec';
import { Fleet, NAMESPACE, PROGRAM_NAMES, whyNot } from '../harness/fleet.js';
import { patiently } from '../harness/patiently.js';
import { workflowOf } from './workflows.js';

const LIMIT_MS = 60_000;
const CONTROLLER = 'argo';
const TABLE = 'argo_nodes';

const mariadb: TestMariadb | undefined = await startMariadb();
const reason = (await whyNot()) ?? (mariadb === undefined ? missingPart('mariadb-server') : undefined);

interface ArchivedRow {
  name: string;
  phase: string;
}

describe.skipIf(reason !== undefined)(`a MariaDB with the archive and offloaded nodes${reason ? ` (${reason})` : ''}`, () => {
  let fleet: Fleet;
  let argo: ArgoDatabase;

  beforeAll(async () => {
    if (mariadb === undefined) return;
    const place = { ...argoPlaceFromUrl(mariadb.createDatabase('argo')), tableName: TABLE, skipMigration: true };
    argo = openArgoDatabase(place, { clock: { nowMs: () => Date.now() } });
    fleet = await Fleet.prepare({ ALWAYS_OFFLOAD_NODE_STATUS: 'true' });
    await Promise.all([fleet.postgres.start(), fleet.redis.start()]);
    fleet.programs.server.start();
    await fleet.programs.server.waitUntilReady();
    await put('secrets', 'argo-mysql-config', { data: { username: Buffer.from(place.user ?? '').toString('base64') } });
    const persistence = {
      archive: true,
      nodeStatusOffLoad: true,
      mysql: {
        host: place.host,
        port: place.port,
        database: place.database,
        tableName: TABLE,
        userNameSecret: { name: 'argo-mysql-config', key: 'username' },
      },
    };
    await put('configmaps', 'workflow-controller-configmap', { data: { persistence: JSON.stringify(persistence) } });
    for (const name of PROGRAM_NAMES.filter((each) => each !== 'server')) fleet.programs[name].start();
    await fleet.waitUntilReady();
  });
  afterAll(async () => {
    await fleet?.tearDown();
    await argo?.close();
    await mariadb?.stop();
  });

  const address = (path: string): string => `http://${fleet.serverAddress}${path}`;
  const put = async (kind: string, name: string, body: object): Promise<void> => {
    const object = {
      apiVersion: 'v1',
      kind: kind === 'secrets' ? 'Secret' : 'ConfigMap',
      metadata: { name, namespace: CONTROLLER },
    };
    const response = await fetch(address(`/api/argosy/v1/resources/${kind}/${CONTROLLER}/${name}`), {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...object, ...body }),
    });
    expect(response.status).toBe(200);
  };
  const submit = (names: readonly string[]): Promise<unknown> =>
    Promise.all(names.map((name) => fleet.api.create(workflowOf('quick', name, fleet.journal.port))));
  const until = (condition: () => Promise<boolean>, what: string): Promise<void> => patiently(condition, () => what, LIMIT_MS);
  const ended = (names: readonly string[]): Promise<void> =>
    until(async () => {
      const phases = await Promise.all(names.map(async (name) => (await fleet.api.get(name)).status?.phase));
      return phases.every((phase) => phase === 'Succeeded');
    }, 'all succeed');
  const nothingHandedOver = (): Promise<void> =>
    until(
      async () => (await fleet.query("SELECT 1 FROM handoffs WHERE queue IN ('archive', 'record')")).length === 0,
      'archive and records have followed',
    );
  const archived = async (): Promise<string[]> => {
    const rows = await argo.run<ArchivedRow>({ text: 'SELECT name, phase FROM argo_archived_workflows ORDER BY name' });
    return rows.map(({ name, phase }) => `${name} ${phase}`);
  };
  /** Of each record: whether the version that it names is there. */
  const recordedNodes = async (names: readonly string[]): Promise<boolean[]> => {
    const records = await fleet.query<{ uid: string; body: Workflow }>(
      "SELECT uid, body FROM resources WHERE kind = 'Workflow' AND name = ANY ($1)",
      [names],
    );
    return Promise.all(
      records.map(async ({ uid, body }) => {
        const version = body.status?.offloadNodeStatusVersion ?? '';
        const text = `SELECT nodes FROM ${TABLE} WHERE uid = ? AND version = ?`;
        return (await argo.run({ text, values: [uid, version] })).length === 1;
      }),
    );
  };

  it('holds them, and nothing of them is beside our own tables', async () => {
    await submit(['named']);
    await ended(['named']);
    await nothingHandedOver();
    expect([await archived(), await recordedNodes(['named'])]).toEqual([['named Succeeded'], [true]]);
    const beside = 'SELECT 1 FROM argo_archived_workflows UNION ALL SELECT 1 FROM argo_workflows';
    expect(await fleet.query(beside)).toEqual([]);
  });

  it('may go and come: what runs runs on, archive and records follow, programs that start meanwhile come up', async () => {
    const names = ['away-0', 'away-1', 'away-2'];
    await mariadb?.kill();
    await submit(names);
    await Promise.all([fleet.programs.archiver.kill(), fleet.programs.offloader.kill()]);
    fleet.programs.archiver.start();
    fleet.programs.offloader.start();
    await ended(names);
    const { status } = await fleet.api.get('away-0');
    expect(Object.values(status?.nodes ?? {}).map(({ type }) => type)).toEqual(['Steps', 'StepGroup', 'Pod']);
    await fleet.waitUntilReady();
    expect(await fleet.query("SELECT DISTINCT queue FROM handoffs WHERE queue IN ('archive', 'record')")).toHaveLength(2);

    await mariadb?.start();
    await nothingHandedOver();
    expect(await archived()).toEqual([...names, 'named'].map((name) => `${name} Succeeded`));
    expect(await recordedNodes(names)).toEqual([true, true, true]);
    expect(fleet.unexpectedEnds()).toEqual([]);
  });

  it('is what the archive is read from', async () => {
    await fleet.api.delete('named');
    await until(async () => (await fleet.query("SELECT 1 FROM workflows WHERE name = 'named'")).length === 0, 'it is deleted');
    const { status } = (await (await fetch(address(`/api/v1/workflows/${NAMESPACE}/named`))).json()) as Workflow;
    expect([status?.phase, Object.keys(status?.nodes ?? {}).length]).toEqual(['Succeeded', 3]);
  });
});
