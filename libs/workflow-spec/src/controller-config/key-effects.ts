import type { PersistenceConfig } from './persistence.js';
import type { ControllerConfig, ControllerConfigKey } from './schema.js';

/** What is said of a key that is read and whose effect is not (wholly) Argo's. All others are APPLIED_KEYS. */
const NOTES: Partial<Record<ControllerConfigKey, string>> = {
  namespace: 'has no effect: each program has the variable MANAGED_NAMESPACE; without it all namespaces are served',
  instanceID: 'has no effect: each program has the variable INSTANCE_ID',
  kubeConfig: 'has no effect: no program here talks to a cluster by a kubeconfig of its own',
  artifactDrivers: 'has no effect: plugins are programs beside the services (ARTIFACT_PLUGINS)',
  podSpecLogStrategy:
    'has its effect in pods on Kubernetes, without values of variables: elsewhere what a pod was ordered with stands in the table pods',
  initlessPod: 'has no effect: pods are lean where nothing has to be staged',
  disableAgentPodCreation: 'has no effect: http and plugin tasks need no agent pod',
  resourceRateLimit:
    'has no effect: on a cluster pods are made as fast as its API answers, elsewhere slots of a host bound them (MAX_PODS)',
  initialDelay: 'has no effect: a new workflow is looked at once and again when something changes',
  synchronization: 'has no effect: database locks live in the database of this installation',
  metricsConfig: 'has no effect: metrics have the variable METRICS_PORT',
  telemetryConfig: 'has no effect: traces have the variable OTEL_EXPORTER_OTLP_ENDPOINT',
  nodeEvents: 'has its effect where RESOURCES is kubernetes',
  workflowEvents: 'has its effect where RESOURCES is kubernetes',
  executor:
    'has its effect in pods on Kubernetes, beside command and args: elsewhere no container stands beside those of the template',
  failedPodRestart: 'has its effect where pods can be evicted: sandbox and Docker evict none',
  podGCGracePeriodSeconds:
    'has its effect where pods are deleted on Kubernetes: elsewhere a step has the grace period of its runtime',
  sso: 'has no effect: single sign-on is not served',
};

/** Keys that programs heed while they run. */
export const APPLIED_KEYS: readonly ControllerConfigKey[] = [
  'workflowDefaults',
  'workflowRestrictions',
  'parallelism',
  'namespaceParallelism',
  'retentionPolicy',
  'podGCDeleteDelayDuration',
  'images',
  'mainContainer',
  'artifactRepository',
  'persistence',
  'links',
  'columns',
  'navColor',
];

/** What of a database's own block has no effect where there is none. */
const NEEDS_DATABASE = {
  connectionPool: 'the pool of DATABASE_URL has the variable DATABASE_POOL_SIZE',
  skipMigration: 'the tables beside our own are always brought forward',
} as const;

/** What of `persistence` has no effect whatever else stands there. */
const idleFields = ({ connectionPool, postgresql, mysql, reconnectionConfig }: PersistenceConfig): string[] => {
  const ownPool = postgresql !== undefined && connectionPool?.maxIdleConns ? ['maxIdleConns'] : [];
  const options = Object.keys(mysql?.options ?? {}).filter((option) => option !== 'tls');
  return [
    ...ownPool.map(
      (field) => `connectionPool.${field} has no effect on Postgres: idle connections are closed after connMaxIdleTime`,
    ),
    ...options.map((option) => `mysql.options.${option} has no effect: only tls is heeded`),
    ...(reconnectionConfig === undefined
      ? []
      : ['reconnectionConfig has no effect: work waits for the database for as long as it is away']),
  ];
};

const persistenceNotes = ({ persistence }: ControllerConfig): string[] => {
  if (persistence === undefined) return [];
  const isOwn = persistence.postgresql === undefined && persistence.mysql === undefined;
  const needing = (Object.keys(NEEDS_DATABASE) as (keyof typeof NEEDS_DATABASE)[])
    .filter((field) => isOwn && persistence[field] !== undefined && persistence[field] !== false)
    .map((field) => `${field} has no effect without postgresql or mysql: ${NEEDS_DATABASE[field]}`);
  return [...needing, ...idleFields(persistence)].map((note) => `persistence.${note}`);
};

/** One line for each written key (and field of `persistence`) that has no effect here, so that nobody relies on it. */
export const controllerConfigNotes = (config: ControllerConfig): string[] => [
  ...(Object.keys(config) as ControllerConfigKey[]).flatMap((key) => {
    const note = config[key] === undefined ? undefined : NOTES[key];
    return note === undefined ? [] : [`${key} ${note}`];
  }),
  ...persistenceNotes(config),
];
