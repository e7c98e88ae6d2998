import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, missingPart, postgresTemplate, startMariadb, type TestDatabase, type TestMariadb } from '#libs/testing';

import { type ArgoDatabase, openArgoDatabase } from './argo-database.js';
import { type ArgoPlace, argoPlaceFromUrl } from './argo-place.js';

const clock = { nowMs: () => Date.now() };
const mariadb: TestMariadb | undefined = await startMariadb();
let database: TestDatabase;
const opened: ArgoDatabase[] = [];

beforeAll(async () => {
  database = await postgresTemplate();
});
afterAll(async () => {
  for (const argo of opened) await argo.close();
  await database.drop();
  await mariadb?.stop();
});

const open = (place: ArgoPlace, pool: Partial<ArgoPlace>): ArgoDatabase => {
  const argo = openArgoDatabase({ ...place, skipMigration: true, ...pool }, { clock });
  opened.push(argo);
  return argo;
};
const postgres = (): ArgoPlace => {
  const { connectionString, host = '', ssl: _ssl, database: name = '', ...parts } = database.connection;
  return connectionString === undefined
    ? { dialect: 'postgres', host, database: name, ...parts }
    : argoPlaceFromUrl(connectionString);
};
let mysqlPlace: ArgoPlace | undefined;
const mysql = (): ArgoPlace => (mysqlPlace ??= argoPlaceFromUrl(mariadb?.createDatabase('pools') ?? ''));
const hint = mariadb === undefined ? ` (${missingPart('MariaDB')})` : '';

describe.each([
  {
    name: 'Postgres',
    isThere: true,
    place: postgres,
    own: 'SELECT pg_backend_pid() AS id',
    others: `SELECT pid AS id FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'argosy-archive' AND pid <> pg_backend_pid()`,
    wait: 'SELECT pg_sleep(0.2)',
  },
  {
    name: `MariaDB${hint}`,
    isThere: mariadb !== undefined,
    place: mysql,
    own: 'SELECT connection_id() AS id',
    others: 'SELECT id FROM information_schema.processlist WHERE db = database() AND id <> connection_id()',
    wait: 'SELECT sleep(0.2)',
  },
])('connections to $name', ({ isThere, place, own, others, wait }) => {
  const idOf = async (argo: ArgoDatabase): Promise<number> => (await argo.run<{ id: number }>({ text: own }))[0]?.id ?? 0;
  const useAll = (argo: ArgoDatabase, count: number): Promise<unknown> =>
    Promise.all(Array.from({ length: count }, () => argo.run({ text: wait })));

  it.skipIf(!isThere)('are used again, until their life is over', async () => {
    const lasting = open(place(), { maxConnections: 1 });
    const first = await idOf(lasting);
    const short = open(place(), { maxConnections: 1, connectionLifeMs: 500 });
    const used = new Set<number>();
    await eventually(async () => used.add(await idOf(short)).size === 3, 'three connections have followed one another');
    expect(await idOf(lasting)).toBe(first);
    await Promise.all([lasting.close(), short.close()]);
  });

  it.skipIf(!isThere)('are no more than are allowed, and go when nobody has used them for a while', async () => {
    const watcher = open(place(), { maxConnections: 1 });
    const counted = async (): Promise<number> => (await watcher.run({ text: others })).length;
    const argo = open(place(), { maxConnections: 3, maxIdleConnections: 2, idleMs: 500 });
    let most = 0;
    const using = useAll(argo, 9);
    await eventually(async () => (most = Math.max(most, await counted())) === 3, 'three are open');
    await using;
    await eventually(async () => (await counted()) === 0, 'all are closed');
    expect(most).toBe(3);
    await Promise.all([watcher.close(), argo.close()]);
  });
});
