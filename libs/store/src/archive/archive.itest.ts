import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { archiveStoreContract, missingPart, postgresTemplate, startMariadb, type TestDatabase } from '#libs/testing';
import { type Workflow } from '#libs/workflow-spec';

import { type ArgoDatabase, openArgoDatabase } from '../argo-database/argo-database.js';
import { argoPlaceFromUrl, type ArgoPlace } from '../argo-database/argo-place.js';
import { createStore, type Store } from '../store.js';
import { Archive, archiveIn } from './archive.js';
import { type ArchiveStore } from './archive-store.js';

const NOW = Date.UTC(2026, 0, 2, 3, 4, 5);
const clock = { nowMs: () => NOW };
const mariadb = await startMariadb();
const hint = mariadb === undefined ? ` (${missingPart('MariaDB')})` : '';

let beside: { database: TestDatabase; store: Store };
let otherPostgres: TestDatabase;
/** By what the archive is on. */
const elsewhere = new Map<string, { argo: ArgoDatabase; archive: ArchiveStore }>();

const postgresPlace = ({ connection }: TestDatabase): ArgoPlace => {
  const { connectionString, host = '', database = '', port, user, password } = connection;
  if (connectionString !== undefined) return argoPlaceFromUrl(connectionString);
  const account = { ...(user === undefined ? {} : { user }), ...(password === undefined ? {} : { password }) };
  return { dialect: 'postgres', host, database, ...(port === undefined ? {} : { port }), ...account };
};

const use = (name: string, place: ArgoPlace): ArgoDatabase => {
  const argo = openArgoDatabase(place, { clock });
  elsewhere.set(name, { argo, archive: archiveIn(argo) });
  return argo;
};

beforeAll(async () => {
  const database = await postgresTemplate();
  beside = { database, store: createStore({ connection: database.connection, clock }) };
  otherPostgres = await postgresTemplate();
  use('postgres', postgresPlace(otherPostgres));
  if (mariadb === undefined) return;
  use('mysql', argoPlaceFromUrl(mariadb.createDatabase('archive')));
  const untouched = argoPlaceFromUrl(mariadb.createDatabase('untouched'));
  const first = openArgoDatabase(untouched, { clock });
  await first.run({ text: 'DROP TABLE argosy_archive_versions' });
  await first.close();
  use('untouched', { ...untouched, skipMigration: true });
});
afterAll(async () => {
  for (const { argo } of elsewhere.values()) await argo.close();
  await beside.store.close();
  await beside.database.drop();
  await otherPostgres.drop();
  await mariadb?.stop();
});

const countIn = async (argo: ArgoDatabase, uid: string): Promise<number> =>
  (
    await argo.run({
      text: `SELECT 1 AS one FROM argo_archived_workflows WHERE uid = ${argo.dialect === 'mysql' ? '?' : '$1'}`,
      values: [uid],
    })
  ).length;
const underTest = (name: string, fencesVersions = true) => {
  const { argo, archive } = elsewhere.get(name)!;
  return { archive, fencesVersions, rowCount: (uid: string) => countIn(argo, uid) };
};

archiveStoreContract('the archive on Postgres, beside our own tables', () => ({
  archive: beside.store.archive,
  fencesVersions: true,
  rowCount: async (uid) =>
    (await beside.store.database.run({ text: 'SELECT 1 FROM argo_archived_workflows WHERE uid = $1', values: [uid] })).length,
}));
archiveStoreContract('the archive on a Postgres of its own', () => underTest('postgres'));
archiveStoreContract(`the archive on MariaDB${hint}`, () => underTest('mysql'), mariadb !== undefined);
archiveStoreContract(
  `the archive on a MariaDB where nothing of ours may be made${hint}`,
  () => underTest('untouched', false),
  mariadb !== undefined,
);

const ended = (uid: string): Workflow => ({
  metadata: { uid, name: uid, namespace: 'argo', creationTimestamp: '2026-01-01T00:00:00Z', labels: { team: 'a' } },
  spec: { entrypoint: 'main' },
  status: { phase: 'Succeeded', startedAt: '2026-01-01T00:00:01Z', finishedAt: '2026-01-01T00:00:02Z' },
});
const submit = (uid: string) =>
  beside.store.workflows.insert({ submitted: { metadata: { uid, namespace: 'argo', name: uid }, spec: {} }, createdAtMs: NOW });
const markOf = (uid: string) =>
  beside.store.database.run({ text: 'SELECT version, archived FROM archive_marks WHERE workflow = $1', values: [uid] });

describe.each(['beside', 'postgres', ...(mariadb === undefined ? [] : ['mysql'])])(
  'the archive with our own marks, its rows on: %s',
  (place) => {
    let archive: Archive;
    beforeAll(() => {
      archive = new Archive(beside.store.database);
      archive.follow(() => Promise.resolve(elsewhere.get(place)?.argo));
    });

    it('marks what it has written, and takes a mark that a crash has left out', async () => {
      const uid = `marked-${place}`;
      await submit(uid);
      const write = { workflow: ended(uid), version: 4, nowMs: NOW, createdAtMs: NOW };
      // Killed between the row and the mark.
      await elsewhere.get(place)?.archive.upsert(write);
      await archive.upsert(write);
      expect(await markOf(uid)).toEqual([{ version: 4, archived: true }]);
      expect((await archive.getByUid(uid))?.status?.phase).toBe('Succeeded');
      await archive.skip(uid, 5, NOW);
      expect(await markOf(uid)).toEqual([{ version: 5, archived: true }]);
    });

    it('leaves out live workflows where asked to', async () => {
      const uid = `live-${place}`;
      await submit(uid);
      await archive.upsert({ workflow: ended(uid), version: 1, nowMs: NOW, createdAtMs: NOW });
      const query = { name: { match: 'exact', value: uid } } as const;
      const namesOf = async () =>
        (await archive.list({ ...query, notLive: true })).workflows.map(({ metadata }) => metadata.name);
      expect(await archive.count(query)).toBe(1);
      expect(await archive.count({ ...query, notLive: true })).toBe(0);
      expect(await namesOf()).toEqual([]);
      await beside.store.retention.markDeleted(uid, NOW);
      expect(await archive.count({ ...query, notLive: true })).toBe(1);
      expect(await namesOf()).toEqual([uid]);
    });
  },
);

describe.skipIf(mariadb === undefined)('an archive whose server goes away', () => {
  it('says so in a way that lets the work wait, and goes on when it is back', async () => {
    const { archive, argo } = elsewhere.get('mysql')!;
    await archive.count({});
    await mariadb?.kill();
    await expect(archive.getByUid('any')).rejects.toHaveProperty('name', 'StoreUnavailableError');
    expect(await argo.health()).toMatchObject({ ready: false });
    await mariadb?.start();
    expect(await archive.getByUid('any')).toBeUndefined();
  });
});
