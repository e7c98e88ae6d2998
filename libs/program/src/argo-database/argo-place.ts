import { ResourceNotFoundError, type ResourceStore } from '#libs/resources';
import { type ArgoPlace } from '#libs/store';
import { type ControllerConfig, type PersistenceConfig, TransientError } from '#libs/workflow-spec';

/** Gives the text of a key of a Secret in the controller's namespace; undefined where there is none. */
export type SecretReader = (name: string, key: string) => Promise<string | undefined>;

/** A value of a Secret's `data`, which is base64. */
export const secretValue = (data: Record<string, string> | undefined, key: string): string | undefined => {
  const value = data !== undefined && Object.hasOwn(data, key) ? data[key] : undefined;
  return value === undefined ? undefined : Buffer.from(value, 'base64').toString();
};

/** Reads Secrets as Kubernetes keeps them: base64 in `data`. */
export const secretReader =
  (resources: Pick<ResourceStore, 'get'>, namespace: string): SecretReader =>
  async (name, key) => {
    const secret = await resources.get({ kind: 'Secret', namespace, name }).catch((error: unknown) => {
      if (error instanceof ResourceNotFoundError) return undefined;
      throw error;
    });
    return secretValue(secret?.['data'] as Record<string, string> | undefined, key);
  };

type ServerBlock = NonNullable<PersistenceConfig['postgresql'] | PersistenceConfig['mysql']>;
type Selector = ServerBlock['userNameSecret'];

/** Work waits for a Secret that is not there yet: law 7. */
const secretText = async (read: SecretReader, selector: Selector, what: string): Promise<string | undefined> => {
  if (selector === undefined) return undefined;
  const text = await read(selector.name ?? '', selector.key);
  if (text !== undefined || selector.optional === true) return text;
  throw new TransientError(`persistence: ${what} names key ${selector.key} of Secret ${selector.name ?? ''}, which is not there`);
};

const accountOf = async (block: ServerBlock, read: SecretReader): Promise<Pick<ArgoPlace, 'user' | 'password'>> => {
  const user = await secretText(read, block.userNameSecret, 'userNameSecret');
  const password = await secretText(read, block.passwordSecret, 'passwordSecret');
  return { ...(user === undefined ? {} : { user }), ...(password === undefined ? {} : { password }) };
};

/** Argo's `ssl` and `sslMode`; a certificate's authority is only checked together with its name. */
const postgresTls = ({ ssl, sslMode = '' }: NonNullable<PersistenceConfig['postgresql']>): Pick<ArgoPlace, 'tls'> => {
  if (ssl !== true || sslMode === 'disable') return {};
  return { tls: { verify: sslMode === 'verify-ca' || sslMode === 'verify-full' } };
};

/** The DSN parameter `tls` of Argo's MySQL driver. */
const mysqlTls = ({ options }: NonNullable<PersistenceConfig['mysql']>): Pick<ArgoPlace, 'tls'> => {
  const mode = options?.['tls'] ?? 'false';
  return mode === 'false' || mode === 'preferred' ? {} : { tls: { verify: mode !== 'skip-verify' } };
};

/** As in Argo, 0 says nothing. */
const poolOf = ({ connectionPool = {} }: PersistenceConfig): Partial<ArgoPlace> => {
  const { maxOpenConns, maxIdleConns, connMaxIdleTime, connMaxLifetime } = connectionPool;
  return {
    ...(maxOpenConns ? { maxConnections: maxOpenConns } : {}),
    ...(maxIdleConns ? { maxIdleConnections: maxIdleConns } : {}),
    ...(connMaxIdleTime ? { idleMs: connMaxIdleTime } : {}),
    ...(connMaxLifetime ? { connectionLifeMs: connMaxLifetime } : {}),
  };
};

const settingsOf = (persistence: PersistenceConfig): Partial<ArgoPlace> => ({
  ...(persistence.clusterName ? { clusterName: persistence.clusterName } : {}),
  ...(persistence.skipMigration === undefined ? {} : { skipMigration: persistence.skipMigration }),
  ...poolOf(persistence),
});

/**
 * The database that `persistence` names, with its Secrets read; undefined where it names none, which means: beside our own tables.
 * Throws TransientError while a Secret is missing.
 */
export const argoPlaceOf = async ({ persistence }: ControllerConfig, read: SecretReader): Promise<ArgoPlace | undefined> => {
  const { postgresql, mysql } = persistence ?? {};
  const block = postgresql ?? mysql;
  if (persistence === undefined || block === undefined) return undefined;
  const { host, port, database, tableName } = block;
  return {
    dialect: mysql === undefined ? 'postgres' : 'mysql',
    host,
    ...(port ? { port } : {}),
    database,
    ...(tableName ? { tableName } : {}),
    ...(await accountOf(block, read)),
    ...(postgresql === undefined ? {} : postgresTls(postgresql)),
    ...(mysql === undefined ? {} : mysqlTls(mysql)),
    ...settingsOf(persistence),
  };
};
