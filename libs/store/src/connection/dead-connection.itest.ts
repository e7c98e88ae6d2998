import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';

import { postgresTemplate, type TestDatabase } from '#libs/testing';

import { StoreUnavailableError } from '../errors.js';
import { Database } from './database.js';

/** The server ends statements after this, and whoever hears nothing gives up five seconds later. */
const STATEMENT_TIMEOUT_MS = 500;

let database: TestDatabase;
let wire: Server;
let pairs: [Socket, Socket][];
let opened: Database;

/** Both ends stay open and hear nothing any more, as behind a machine that was switched off. */
const cutSilently = (): void => {
  for (const [near, far] of pairs) {
    near.unpipe(far);
    far.unpipe(near);
  }
};

beforeEach(async () => {
  database = await postgresTemplate();
  const { host = '', port = 0 } = database.connection;
  pairs = [];
  wire = createServer((near) => {
    const far = host.startsWith('/') ? connect(`${host}/.s.PGSQL.${port}`) : connect(port, host);
    for (const socket of [near, far]) socket.on('error', () => undefined);
    near.on('close', () => far.destroy());
    near.pipe(far);
    far.pipe(near);
    pairs.push([near, far]);
  });
  await new Promise<void>((resolve) => wire.listen(0, '127.0.0.1', resolve));
  opened = new Database({
    connection: { ...database.connection, host: '127.0.0.1', port: (wire.address() as AddressInfo).port },
    clock: { nowMs: () => 0 },
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
    maxConnections: 1,
  });
});
afterEach(async () => {
  await opened.close();
  wire.close();
  for (const sockets of pairs) for (const socket of sockets) socket.destroy();
  await database.drop();
});

it('gives up a connection that died without a word, and goes on with another', async () => {
  expect(await opened.run({ text: 'SELECT 1 AS one' })).toEqual([{ one: 1 }]);
  cutSilently();
  await expect(opened.run({ text: 'SELECT 1' })).rejects.toThrow(StoreUnavailableError);
  expect(await opened.run({ text: 'SELECT 2 AS two' })).toEqual([{ two: 2 }]);
});

it('waits longer than that where a statement may take as long as it takes', async () => {
  const slow = { text: `SELECT pg_sleep(6)::text AS slept`, unlimited: true } as const;
  const rows = await opened.withConnection(async (connection) => {
    await connection.run({ text: 'SET statement_timeout = 0' });
    return connection.run(slow);
  });
  expect(rows).toEqual([{ slept: '' }]);
});
