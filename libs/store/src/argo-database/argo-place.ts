import { InvalidArgumentError } from '#libs/workflow-spec';

/** Servers that Argo's tables may be on; `mysql` is MariaDB as well. */
export type ArgoDialect = 'postgres' | 'mysql';

/** A database with Argo's tables that is not our own, as plain values: secrets have been read. */
export interface ArgoPlace {
  dialect: ArgoDialect;
  /** Name, address, or for Postgres a socket folder. */
  host: string;
  /** Default 5432 or 3306. */
  port?: number;
  database: string;
  user?: string;
  password?: string;
  /** Absent: no TLS. `verify`: the server's certificate must be valid for its name. */
  tls?: { verify: boolean };
  /** Column `clustername` of our rows; default `default`. */
  clusterName?: string;
  /** Table of offloaded node statuses; default `argo_workflows`. */
  tableName?: string;
  /** The tables are taken as they are: nothing is created or changed. */
  skipMigration?: boolean;
  /** Connections of this process; default 4. */
  maxConnections?: number;
  /** Of them, how many stay open while nobody uses them; only MySQL's are counted. Default all but one. */
  maxIdleConnections?: number;
  /** After this an idle connection is closed; default 30 s. */
  idleMs?: number;
  /** After this a connection is not used again; absent: it is used for as long as it lives. */
  connectionLifeMs?: number;
}

/** Argo's own name where the place says nothing. */
export const DEFAULT_OFFLOAD_TABLE = 'argo_workflows';

const DEFAULT_PORTS: Record<ArgoDialect, number> = { postgres: 5432, mysql: 3306 };
const PROTOCOLS: Record<string, ArgoDialect> = {
  'postgres:': 'postgres',
  'postgresql:': 'postgres',
  'mysql:': 'mysql',
  'mariadb:': 'mysql',
};

export const portOf = ({ dialect, port }: ArgoPlace): number => port ?? DEFAULT_PORTS[dialect];

/** For logs and messages: where it is, never who or with what password. */
export const describePlace = (place: ArgoPlace): string => `${place.dialect} ${place.host}:${portOf(place)}/${place.database}`;

const tlsFrom = (mode: string): { tls?: { verify: boolean } } => {
  if (['', 'disable', 'allow', 'prefer', 'false'].includes(mode)) return {};
  return { tls: { verify: mode === 'verify-full' || mode === 'verify-ca' || mode === 'true' } };
};

const accountFrom = ({ username, password }: URL): Pick<ArgoPlace, 'user' | 'password'> => ({
  ...(username === '' ? {} : { user: decodeURIComponent(username) }),
  ...(password === '' ? {} : { password: decodeURIComponent(password) }),
});

/**
 * Reads `mysql://user:password@host:port/database` or `postgres://…` (there `?host=/socket/folder` and `?sslmode=` count, for MySQL
 * `?tls=true|skip-verify`). Throws InvalidArgumentError, whose message holds no part of the text.
 */
export const argoPlaceFromUrl = (text: string): ArgoPlace => {
  // A socket folder needs no host, which a URL with an account must have.
  const complete = text.replace(/^(\w+:\/\/[^/?#]*@)\//, '$1localhost/');
  const url = URL.canParse(complete) ? new URL(complete) : null;
  const dialect = url === null ? undefined : PROTOCOLS[url.protocol];
  const database = decodeURIComponent(url?.pathname.slice(1) ?? '');
  if (url === null || dialect === undefined || database === '') {
    throw new InvalidArgumentError(
      'must be mysql://user:password@host:port/database or postgres://user:password@host:port/database',
    );
  }
  const host = url.searchParams.get('host') ?? (url.hostname || 'localhost');
  return {
    dialect,
    host: host.replace(/^\[(.*)\]$/, '$1'),
    ...(url.port === '' ? {} : { port: Number(url.port) }),
    database,
    ...accountFrom(url),
    ...tlsFrom(url.searchParams.get('sslmode') ?? url.searchParams.get('tls') ?? ''),
  };
};
