import type { ConfigOf } from '#libs/config';
import { parseLabelSelector } from '#libs/store';
import type { configSchema } from './archiver.config.js';
import type { ArchiverSettings } from './archiver.module.js';

/** The module's settings out of the program's variables. Throws UserError for a label selector that cannot be read. */
export const archiverSettings = (config: ConfigOf<typeof configSchema>): ArchiverSettings => ({
  enabled: config.archive,
  labels: parseLabelSelector(config.archiveLabelSelector),
  archiveConcurrency: config.archiveConcurrency,
  ttlMs: config.archiveTtlMs,
  expiryIntervalMs: config.archivedWorkflowGcPeriodMs,
});
