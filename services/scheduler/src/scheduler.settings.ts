import { ConfigError, type ConfigOf } from '#libs/config';
import { compileGoRegexp } from '#libs/expressions';
import { artifactRepositoryFromText } from '#libs/program';
import { isWorkflowSpecField } from '#libs/workflow-spec';
import { namespaceLimitsFrom } from './admission/parallelism.js';
import type { configSchema } from './scheduler.config.js';
import type { SchedulerSettings } from './scheduler.module.js';

/** Refused at the start rather than at the first failure. */
const checkedPattern = (pattern: string): string => {
  try {
    compileGoRegexp(pattern);
    return pattern;
  } catch (error) {
    throw new ConfigError([{ variable: 'TRANSIENT_ERROR_PATTERN', problem: error instanceof Error ? error.message : '' }]);
  }
};

/** Argo's rule: a name that is no field is a mistake of who wrote it, found at the start. */
const checkedFields = (written: string): string[] => {
  const fields = written
    .split(',')
    .map((field) => field.trim())
    .filter((field) => field !== '');
  const unknown = fields.find((field) => !isWorkflowSpecField(field));
  if (unknown === undefined) return fields;
  const problem = `${unknown.slice(0, 100)} is no field of a workflow spec`;
  throw new ConfigError([{ variable: 'WORKFLOW_USER_OVERRIDE_ALLOWLIST', problem }]);
};

/** The module's settings out of the program's variables. Throws ConfigError for a repository or a limit that cannot be read. */
export const schedulerSettings = (config: ConfigOf<typeof configSchema>): SchedulerSettings => ({
  engine: {
    artifactRepository: artifactRepositoryFromText(config.artifactRepository),
    podNames: config.podNames,
    ...(config.workflowUserOverrideAllowlist === undefined
      ? {}
      : { userOverrideAllowlist: checkedFields(config.workflowUserOverrideAllowlist) }),
    retry: {
      hostNameLabel: config.retryHostNameLabelKey,
      ...(config.transientErrorPattern === undefined
        ? {}
        : { transientErrorPattern: checkedPattern(config.transientErrorPattern) }),
    },
  },
  controllerNamespace: config.controllerNamespace,
  instanceId: config.instanceId,
  managedNamespace: config.managedNamespace,
  reconcileConcurrency: config.reconcileConcurrency,
  stateCacheBytes: config.stateCacheBytes,
  inboxBatch: config.inboxBatch,
  parallelism: {
    controller: config.parallelism,
    namespace: config.namespaceParallelism,
    byNamespace: namespaceLimitsFrom(config.namespaceParallelismLimits),
  },
  admissionIntervalMs: config.admissionIntervalMs,
  retentionIntervalMs: config.retentionIntervalMs,
  metricsTtlMs: config.metricsTtlMs,
  cacheGcPeriodMs: config.cacheGcPeriodMs,
  cacheGcAfterNotHitDurationMs: config.cacheGcAfterNotHitDurationMs,
  scheduleIntervalMs: config.scheduleIntervalMs,
});
