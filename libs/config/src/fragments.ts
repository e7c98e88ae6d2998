import { ConfigError } from './errors.js';
import { integer, oneOf, optionalSecret, optionalText, requiredSecret, text } from './fields.js';
import { type Secret } from './secret.js';

/** Postgres, which holds the truth. */
export const databaseFields = {
  databaseUrl: requiredSecret({ about: 'Postgres that holds all state, as postgres://user:password@host:port/name.' }),
  databasePoolSize: integer({ about: 'Most Postgres connections of this process for its tables.', byDefault: 10, min: 1 }),
} as const;

/** Argo's own tables. */
export const archiveFields = {
  archiveDatabaseUrl: optionalSecret({
    about:
      "Database of Argo's tables (archive, offloaded nodes), as mysql://user:password@host:port/name or postgres://…; DATABASE_URL where absent. The controller's `persistence` goes before it.",
  }),
} as const;

/** What carries the hints between programs. */
export const queueFields = {
  queueBackend: oneOf({
    about: 'What carries wake-ups between programs; all programs of one installation use the same.',
    choices: ['redis', 'postgres'],
    byDefault: 'redis',
  }),
  redisUrl: optionalSecret({ about: 'Redis, as redis://host:port; needed where QUEUE_BACKEND is redis.' }),
  queueDatabaseUrl: optionalSecret({
    about: 'Postgres for the queue where QUEUE_BACKEND is postgres; DATABASE_URL where absent.',
  }),
  queuePrefix: text({ about: "Prefix of the queue's Redis keys, for several installations on one Redis.", byDefault: 'argosy' }),
} as const;

/** The HTTP API. */
export const httpFields = {
  host: text({ about: 'Address that the HTTP API listens on.', byDefault: '0.0.0.0' }),
  port: integer({ about: 'Port of the HTTP API; 0 takes a free one.', byDefault: 2746, max: 65_535 }),
  authToken: optionalSecret({ about: 'Bearer token that requests must carry; requests need none where absent.' }),
} as const;

/** Logging. */
export const loggingFields = {
  logLevel: oneOf({
    about: 'Least severe level that is written.',
    choices: ['debug', 'info', 'warn', 'error', 'silent'],
    byDefault: 'info',
  }),
  logFormat: oneOf({
    about: 'JSON lines for machines, or short lines for people.',
    choices: ['json', 'text'],
    byDefault: 'json',
  }),
} as const;

/** Metrics, health and traces. */
export const observabilityFields = {
  metricsPort: integer({ about: 'Port of /metrics, /healthz and /readyz; 0 switches them off.', byDefault: 9090, max: 65_535 }),
  otelExporterOtlpEndpoint: optionalText({
    about: 'OpenTelemetry collector (HTTP) that traces are sent to; no tracing where absent.',
  }),
} as const;

/** Which workflows this installation serves. */
export const scopeFields = {
  instanceId: optionalText({
    about: "Serves only workflows with this value of Argo's instance label; those without the label where absent.",
  }),
} as const;

/** Where Argo's controller ConfigMap is, which all programs watch. */
export const controllerFields = {
  controllerNamespace: text({
    about: "Namespace of the controller's own objects: its ConfigMap, memoization caches.",
    byDefault: 'argo',
  }),
  controllerConfigmap: text({
    about: "Name of the ConfigMap with the controller's configuration; it is watched and applied live.",
    byDefault: 'workflow-controller-configmap',
  }),
} as const;

/** The cluster, where Kubernetes is part of the installation. */
export const clusterFields = {
  resources: oneOf({
    about:
      'Where templates, schedules, ConfigMaps and Secrets are, and the door for workflows: our own table, or the API of a Kubernetes cluster.',
    choices: ['table', 'kubernetes'],
    byDefault: 'table',
  }),
  kubeconfig: optionalText({ about: 'File that says where the cluster is; the service account of the pod where absent.' }),
  kubernetesServiceHost: optionalText({ about: 'Address of the API server; every pod has it.' }),
  kubernetesServicePort: optionalText({ about: 'Its port; every pod has it.' }),
  managedNamespace: optionalText({
    about: 'The only namespace of the cluster that is looked into; all where absent. Cluster-wide templates are not read then.',
  }),
} as const;

/**
 * What reaches artifact stores beside the Secrets of workflows. All but the first are variables that clouds set by themselves for the
 * identity of a program.
 */
export const artifactStoreFields = {
  artifactPlugins: optionalText({
    about:
      'Folder in which each plugin for artifacts has a folder of its name with its `socket`; without it plugins are refused.',
  }),
  azureClientId: optionalText({ about: "Azure's identity of this program, for `azure.useSDKCreds`." }),
  azureTenantId: optionalText({ about: 'Directory of that identity.' }),
  azureFederatedTokenFile: optionalText({ about: 'File with the token that Azure exchanges for one of that identity.' }),
  azureAuthorityHost: optionalText({ about: 'Where Azure exchanges it; the public cloud where absent.' }),
  identityEndpoint: optionalText({ about: "Endpoint of Azure's App Service that lends tokens." }),
  identityHeader: optionalSecret({ about: 'What that endpoint asks for.' }),
  alibabaCloudRoleArn: optionalText({ about: "Alibaba Cloud's role of this program, for `oss.useSDKCreds`." }),
  alibabaCloudOidcProviderArn: optionalText({ about: 'Who vouches for the token of that role.' }),
  alibabaCloudOidcTokenFile: optionalText({ about: 'File with the token that is exchanged for keys of that role.' }),
  alibabaCloudStsUrl: optionalText({ about: 'Where it is exchanged; the public token service where absent.' }),
} as const;

/** What every program that works on queues and tables reads. */
export const programFields = {
  ...databaseFields,
  ...archiveFields,
  ...queueFields,
  ...loggingFields,
  ...observabilityFields,
  ...scopeFields,
  ...controllerFields,
  ...clusterFields,
} as const;

/** The parsed queue fields, with the database that they fall back to. */
export interface QueueSettings {
  readonly queueBackend: 'redis' | 'postgres';
  readonly redisUrl: Secret | undefined;
  readonly queueDatabaseUrl: Secret | undefined;
  readonly queuePrefix: string;
  readonly databaseUrl?: Secret;
}

/** Where the hints travel, for opening the queue. */
export type QueueLocation =
  | { readonly kind: 'redis'; readonly url: string; readonly prefix: string }
  | { readonly kind: 'postgres'; readonly connection: { readonly connectionString: string } };

/** Picks the queue's location out of the queue fields; throws ConfigError where the chosen backend's URL is missing. */
export function queueLocation(settings: QueueSettings): QueueLocation {
  if (settings.queueBackend === 'redis') {
    if (settings.redisUrl === undefined)
      throw new ConfigError([{ variable: 'REDIS_URL', problem: 'is required where QUEUE_BACKEND is redis' }]);
    return { kind: 'redis', url: settings.redisUrl.reveal(), prefix: settings.queuePrefix };
  }
  const url = settings.queueDatabaseUrl ?? settings.databaseUrl;
  if (url === undefined)
    throw new ConfigError([{ variable: 'QUEUE_DATABASE_URL', problem: 'is required where QUEUE_BACKEND is postgres' }]);
  return { kind: 'postgres', connection: { connectionString: url.reveal() } };
}
