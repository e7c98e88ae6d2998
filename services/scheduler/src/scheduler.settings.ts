import type { ConfigOf } from '#libs/config';
import { artifactRepositoryFromText } from '#libs/program';
import { namespaceLimitsFrom } from './admission/parallelism.js';
import type { configSchema } from './scheduler.config.js';
import type { SchedulerSettings } from './scheduler.module.js';

/** The module's settings out of the program's variables. Throws ConfigError for a repository or a limit that cannot be read. */
export const schedulerSettings = (config: ConfigOf<typeof configSchema>): SchedulerSettings => ({
  engine: { artifactRepository: artifactRepositoryFromText(config.artifactRepository), podNames: config.podNames },
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
  scheduleIntervalMs: config.scheduleIntervalMs,
});
