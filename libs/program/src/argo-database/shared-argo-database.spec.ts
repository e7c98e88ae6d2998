import { describe, expect, it } from 'vitest';
import { Secret } from '#libs/config';
import { type Resource, ResourceNotFoundError } from '#libs/resources';
import { quietLogger } from '#libs/testing';
import { type ControllerConfig, parseControllerConfig, TransientError } from '#libs/workflow-spec';
import { shareArgoDatabase } from './shared-argo-database.js';

const MYSQL = {
  host: 'db',
  database: 'argo',
  tableName: 'nodes',
  userNameSecret: { name: 'account', key: 'user' },
  passwordSecret: { name: 'account', key: 'word' },
};
const base64 = (text: string): string => Buffer.from(text).toString('base64');

const shared = (byDefault?: string) => {
  let config: ControllerConfig = {};
  let nowMs = 0;
  let secret: Record<string, string> | undefined = { user: base64('argo'), word: base64('one') };
  const argo = shareArgoDatabase(
    { archiveDatabaseUrl: byDefault === undefined ? undefined : new Secret(byDefault), controllerNamespace: 'argo' },
    {
      controllerConfig: { current: () => config, known: () => Promise.resolve() },
      resources: {
        get: (key) => {
          if (secret === undefined || key.name !== 'account') return Promise.reject(new ResourceNotFoundError(key));
          return Promise.resolve({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'account' }, data: secret } as Resource);
        },
      },
      clock: { nowMs: () => nowMs },
      logger: quietLogger,
    },
  );
  return {
    argo,
    persist: (persistence: object) => (config = parseControllerConfig({ persistence: JSON.stringify(persistence) })),
    forget: () => (secret = undefined),
    change: (word: string) => (secret = { user: base64('argo'), word: base64(word) }),
    pass: (ms: number) => (nowMs += ms),
  };
};

describe("the database with Argo's tables", () => {
  it('is our own where nobody names another', async () => {
    const { argo, persist } = shared();
    expect(await argo.current()).toBeUndefined();
    persist({ archive: true, clusterName: 'blue' });
    expect(await argo.current()).toBeUndefined();
  });

  it('is what persistence names, with its Secrets, before what the variable says', async () => {
    const { argo, persist } = shared('postgres://u:p@elsewhere/x');
    persist({ clusterName: 'blue' });
    expect((await argo.current())?.place).toMatchObject({ dialect: 'postgres', host: 'elsewhere', clusterName: 'blue' });
    persist({
      mysql: { ...MYSQL, options: { tls: 'skip-verify' } },
      clusterName: 'red',
      skipMigration: true,
      connectionPool: { maxOpenConns: 7, maxIdleConns: 3, connMaxIdleTime: '1m', connMaxLifetime: '1h' },
    });
    expect((await argo.current())?.place).toEqual({
      ...{ dialect: 'mysql', host: 'db', database: 'argo', tableName: 'nodes', user: 'argo', password: 'one' },
      ...{ tls: { verify: false }, clusterName: 'red', skipMigration: true },
      ...{ maxConnections: 7, maxIdleConnections: 3, idleMs: 60_000, connectionLifeMs: 3_600_000 },
    });
    persist({
      postgresql: { host: 'pg', port: 5433, database: 'argo', ssl: true, sslMode: 'verify-full' },
      connectionPool: { maxOpenConns: 0, maxIdleConns: 0, connMaxLifetime: '0s' },
    });
    expect((await argo.current())?.place).toEqual({
      ...{ dialect: 'postgres', host: 'pg', port: 5433, database: 'argo', tls: { verify: true } },
    });
    await argo.close();
  });

  it('stays open as long as nothing changes, and follows a changed Secret', async () => {
    const { argo, persist, change, pass } = shared();
    persist({ mysql: MYSQL });
    const first = await argo.current();
    expect(await argo.current()).toBe(first);
    change('two');
    expect(await argo.current()).toBe(first);
    pass(31_000);
    const second = await argo.current();
    expect(second?.place.password).toBe('two');
    await argo.close();
  });

  it('is waited for while a Secret is missing', async () => {
    const { argo, persist, forget } = shared();
    forget();
    persist({ mysql: MYSQL });
    await expect(argo.current()).rejects.toBeInstanceOf(TransientError);
    await expect(argo.current()).rejects.toThrow('userNameSecret names key user of Secret account, which is not there');
  });

  it('is refused at the start where the variable cannot be read, without its text', () => {
    expect(() => shared('mysql://u:secret@')).toThrow('ARCHIVE_DATABASE_URL: must be mysql://user');
  });
});
