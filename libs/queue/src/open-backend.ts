import { type QueueBackend } from './backend.js';
import { type PostgresLocation, PostgresQueueBackend } from './postgres-backend.js';
import { RedisQueueBackend } from './redis-backend.js';
import { type QueueLogger } from './telemetry.js';

/** Which technology carries the hints, and where it is. */
export type QueueBackendConfig =
  | { readonly kind: 'redis'; readonly url: string; readonly prefix?: string }
  | { readonly kind: 'postgres'; readonly connection: PostgresLocation; readonly queryConnections?: number };

const DEFAULT_PREFIX = 'argosy';
const DEFAULT_QUERY_CONNECTIONS = 2;

/** Opens the backend without waiting for its database; keys are prefixed `argosy` (Redis) or in schema `bullmq` (Postgres). */
export function openQueueBackend(config: QueueBackendConfig, logger: QueueLogger): QueueBackend {
  if (config.kind === 'redis') return new RedisQueueBackend({ url: config.url, prefix: config.prefix ?? DEFAULT_PREFIX, logger });
  const queryConnections = config.queryConnections ?? DEFAULT_QUERY_CONNECTIONS;
  return new PostgresQueueBackend({ connection: config.connection, queryConnections, logger });
}
