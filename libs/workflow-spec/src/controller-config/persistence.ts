import { z } from 'zod';
import { parseGoDuration } from '../durations.js';
import { labelSelectorSchema } from './label-selector.js';
import { secretSelector } from './secret-selector.js';

/** A Go duration as milliseconds. */
export const goDuration = z.string().transform((text, context) => {
  try {
    return parseGoDuration(text);
  } catch {
    context.addIssue(`must be a duration such as 30s or 2h, not ${JSON.stringify(text.slice(0, 40))}`);
    return z.NEVER;
  }
});

const DAY_MS = 86_400_000;
/** Argo's TTL: a Go duration, or days as in `30d`; an empty text is 0. */
const ttl = z.string().transform((text, context) => {
  if (text === '') return 0;
  const days = /^(\d+)d$/.exec(text);
  if (days !== null) return Number(days[1]) * DAY_MS;
  const parsed = goDuration.safeParse(text);
  if (parsed.success) return parsed.data;
  context.addIssue(`must be a duration such as 30d or 24h, not ${JSON.stringify(text.slice(0, 40))}`);
  return z.NEVER;
});

/** Tokens of a cloud in place of a password: refused where they are switched on, so that nobody connects as somebody else. */
const cloudToken = (field: string, otherFields: Record<string, z.ZodType>) =>
  z
    .strictObject({ enabled: z.boolean(), ...otherFields })
    .refine(({ enabled }) => enabled !== true, { error: `${field} is not served: give userNameSecret and passwordSecret` });

const count = z.int().min(0);
const server = {
  host: z.string().min(1),
  port: z.int().min(0).max(65_535).optional(),
  database: z.string().min(1),
  /** Of offloaded nodes; absent: argo_workflows. */
  tableName: z
    .string()
    .regex(/^([A-Za-z_][A-Za-z0-9_]{0,62})?$/, 'must be a plain name of a table')
    .optional(),
  userNameSecret: secretSelector.optional(),
  passwordSecret: secretSelector.optional(),
};

/** Where Argo's SQL tables are, in its own words; both blocks at once are refused. */
export const databaseFields = {
  connectionPool: z
    .strictObject({
      maxIdleConns: count.optional(),
      maxOpenConns: count.optional(),
      connMaxLifetime: goDuration.optional(),
      connMaxIdleTime: goDuration.optional(),
    })
    .optional(),
  reconnectionConfig: z
    .strictObject({
      maxRetries: count.optional(),
      baseDelaySeconds: count.optional(),
      maxDelaySeconds: count.optional(),
      retryMultiple: z.number().optional(),
    })
    .optional(),
  postgresql: z
    .strictObject({
      ...server,
      ssl: z.boolean().optional(),
      /** Of `ssl: true`; absent: require. */
      sslMode: z.enum(['', 'disable', 'require', 'verify-ca', 'verify-full']).optional(),
      azureToken: cloudToken('azureToken', { scope: z.string().optional() }).optional(),
      awsRDSToken: cloudToken('awsRDSToken', { region: z.string().optional() }).optional(),
    })
    .optional(),
  mysql: z.strictObject({ ...server, options: z.record(z.string(), z.string()).optional() }).optional(),
};

/** `persistence`: archive and offloading. Durations come out in milliseconds. */
export const persistenceSchema = z
  .strictObject({
    ...databaseFields,
    nodeStatusOffLoad: z.boolean().optional(),
    archive: z.boolean().optional(),
    /** Milliseconds; absent or 0: archived workflows are kept. */
    archiveTTL: ttl.optional(),
    archiveLabelSelector: labelSelectorSchema.optional(),
    clusterName: z.string().optional(),
    skipMigration: z.boolean().optional(),
  })
  .refine(({ postgresql, mysql }) => postgresql === undefined || mysql === undefined, {
    error: 'must name one database, not postgresql and mysql',
  });

/** As Argo's `persistence`, with durations in milliseconds and selectors as Kubernetes writes them. */
export type PersistenceConfig = z.output<typeof persistenceSchema>;

/** `synchronization`: database locks. Its database is the one that this installation has anyway. */
export const synchronizationSchema = z.strictObject({
  ...databaseFields,
  controllerName: z.string().optional(),
  limitTableName: z.string().optional(),
  stateTableName: z.string().optional(),
  controllerTableName: z.string().optional(),
  lockTableName: z.string().optional(),
  skipMigration: z.boolean().optional(),
  enableAPI: z.boolean().optional(),
  pollSeconds: count.optional(),
  heartbeatSeconds: count.optional(),
  inactiveControllerSeconds: count.optional(),
  semaphoreLimitCacheSeconds: count.optional(),
});
