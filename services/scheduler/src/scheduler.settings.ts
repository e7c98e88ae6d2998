import { ConfigError, type ConfigOf } from '#libs/config';
import { compileGoRegexp } from '#libs/expressions';
import { artifactRepositoryFromText } from '#libs/program';
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

/** The module's settings out of the program's variables. Throws ConfigError for a repository or a limit that cannot be read. */
export const schedulerSettings = (config: ConfigOf<typeof configSchema>): SchedulerSettings => ({
  engine: {
    artifactRepository: artifactRepositoryFromText(config.artifactRepository),
    podNames: config.podNames,
    retry: {
      hostNameLabel: config.retryHostNameLabelKey,
      ...(config.transientErrorPattern === undefined
        ? {}
        : { transientErrorPattern: checkedPattern(config.transientErrorPattern) }),
    },
  },
  controllerNamespace: config.controllerNamespace,
  instanceId: config.instanceId,
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
