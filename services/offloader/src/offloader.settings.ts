import type { ConfigOf } from '#libs/config';
import type { configSchema } from './offloader.config.js';
import type { OffloaderSettings } from './offloader.module.js';

/** The module's settings out of the program's variables. */
export const offloaderSettings = (config: ConfigOf<typeof configSchema>): OffloaderSettings => ({
  maxSizeBytes: config.maxWorkflowSizeBytes,
  alwaysOffload: config.alwaysOffloadNodeStatus,
  intervalMs: config.recordIntervalMs,
  recordConcurrency: config.recordConcurrency,
  pruneIntervalMs: config.workflowGcPeriodMs,
  offloadTtlMs: config.offloadNodeStatusTtlMs,
});
