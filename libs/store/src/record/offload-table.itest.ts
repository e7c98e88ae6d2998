import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { missingPart, postgresTemplate, sharedFolder, startMariadb, type TestDatabase, type TestMariadb } from '#libs/testing';
import { type NodeStatus } from '#libs/workflow-spec';

import { type ArgoDatabase, openArgoDatabase } from '../argo-database/argo-database.js';
import { argoPlaceFromUrl } from '../argo-database/argo-place.js';
import { createStore, type Store } from '../store.js';
import { type OffloadNotesRepository } from './offload-notes.repository.js';
import { OffloadTable } from './offload-table.js';

const clock = { nowMs: () => Date.parse('2026-11-21T01:15:40.123Z') };
const node = (id: string): NodeStatus => ({ id, name: `"${id}" <ünï> \u2028`, type: 'Pod', phase: 'Succeeded' });
const nodes = { a: node('a'), b: node('b') };
const row = { uid: 'u', namespace: 'argo', version: 'fnv:1', nodes: JSON.stringify(nodes), nowMs: clock.nowMs() };

const mariadb = await startMariadb();
const missing = mariadb === undefined ? ` (${missingPart('mariadb-server')})` : '';

interface Server {
  argo: ArgoDatabase;
  stop(): Promise<void>;
}

const onPostgres = async (): Promise<Server> => {
  const database: TestDatabase = await postgresTemplate();
  const { host, port, user, database: name } = database.connection;
  const place = { dialect: 'postgres' as const, host: host ?? '', port: port ?? 5432, user: user ?? '', database: name ?? '' };
  const argo = openArgoDatabase(place, { clock });
  return { argo, stop: () => argo.close().then(() => database.drop()) };
};
const onMariadb = async (server: TestMariadb): Promise<Server> => {
  const place = { ...argoPlaceFromUrl(server.createDatabase('offload')), tableName: 'argo_nodes', clusterName: 'one' };
  const argo = openArgoDatabase(place, { clock });
  return { argo, stop: () => argo.close().then(() => server.stop()) };
};

describe.each([
  ['Postgres', onPostgres],
  ['MariaDB', mariadb && (() => onMariadb(mariadb))],
] as const)("Argo's table of offloaded nodes on %s", (name, open) => {
  describe.skipIf(open === undefined)(name + (open === undefined ? missing : ''), () => {
    let server: Server;
    let table: OffloadTable;

    beforeAll(async () => {
      if (open === undefined) return;
      server = await open();
      table = new OffloadTable(server.argo, server.argo.place);
    });
    afterAll(async () => {
      await server?.stop();
    });

    it('gives the nodes of a version back as they were written', async () => {
      await table.save(row);
      expect(await table.read(row)).toEqual(nodes);
      expect(await table.read({ ...row, version: 'fnv:2' })).toBeUndefined();
    });

    it('takes a version twice, and keeps versions and clusters apart', async () => {
      await table.save(row);
      await table.save({ ...row, version: 'fnv:3', nodes: '{}' });
      expect([await table.read(row), await table.read({ ...row, version: 'fnv:3' })]).toEqual([nodes, {}]);
      const other = new OffloadTable(server.argo, { ...server.argo.place, clusterName: 'other' });
      expect(await other.read(row)).toBeUndefined();
    });

    it('deletes what it is told to and nothing else', async () => {
      await table.delete([]);
      await table.delete([row, { uid: 'nobody', version: 'fnv:1' }]);
      expect([await table.read(row), await table.read({ ...row, version: 'fnv:3' })]).toEqual([undefined, {}]);
    });

    const folder = sharedFolder('conformance', 'records', 'ladder');
    it.skipIf(folder === undefined || !existsSync(folder))('holds what the real Argo had in it', async () => {
      const sample = JSON.parse(readFileSync(path.join(folder ?? '', 'huge.json'), 'utf8')) as {
        argo_workflows: { uid: string; namespace: string; version: string; nodes: Record<string, NodeStatus> }[];
      };
      for (const recorded of sample.argo_workflows) {
        await table.save({ ...recorded, nodes: JSON.stringify(recorded.nodes), nowMs: clock.nowMs() });
        expect(await table.read(recorded)).toEqual(recorded.nodes);
      }
    });
  });
});

describe('notes of what was offloaded elsewhere', () => {
  let database: TestDatabase;
  let store: Store;
  let notes: OffloadNotesRepository;

  beforeAll(async () => {
    database = await postgresTemplate();
    store = createStore({ connection: database.connection, clock });
    notes = store.offloadNotes;
    await store.database.run({
      text: "INSERT INTO record_marks (workflow, version, encoding, offload_version, cost_ms, recorded_at_ms) VALUES ('u', 1, 'offloaded', 'fnv:2', 1, 1)",
    });
  });
  afterAll(async () => {
    await store.close();
    await database.drop();
  });

  it('name the old versions of a place that no record names, until they are forgotten', async () => {
    await notes.note('here', { uid: 'u', version: 'fnv:1' }, 10);
    await notes.note('here', { uid: 'u', version: 'fnv:2' }, 20);
    await notes.note('here', { uid: 'u', version: 'fnv:3' }, 30);
    await notes.note('there', { uid: 'u', version: 'fnv:1' }, 10);
    expect(await notes.unnamed('here', 30, 10)).toEqual([{ uid: 'u', version: 'fnv:1' }]);
    await notes.note('here', { uid: 'u', version: 'fnv:1' }, 40);
    expect(await notes.unnamed('here', 30, 10)).toEqual([]);
    expect(await notes.unnamed('here', 50, 1)).toEqual([{ uid: 'u', version: 'fnv:3' }]);
    await notes.forget('here', [
      { uid: 'u', version: 'fnv:1' },
      { uid: 'u', version: 'fnv:3' },
    ]);
    expect([await notes.unnamed('here', 50, 10), await notes.unnamed('there', 50, 10)]).toEqual([
      [],
      [{ uid: 'u', version: 'fnv:1' }],
    ]);
  });
});
