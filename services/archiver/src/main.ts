import { runProgram } from '#libs/program';
import { parseLabelSelector } from '#libs/store';
import { configSchema } from './archiver.config.js';
import { ArchiverModule, archiverJobs } from './archiver.module.js';

await runProgram({
  name: 'archiver',
  configSchema,
  build: ({ store, queue, clock, logger }, config) => {
    const settings = {
      enabled: config.archive,
      labels: parseLabelSelector(config.archiveLabelSelector),
      archiveConcurrency: config.archiveConcurrency,
      ttlMs: config.archiveTtlMs,
      expiryIntervalMs: config.archivedWorkflowGcPeriodMs,
    };
    return { module: ArchiverModule.register({ store, queue, clock, logger, settings }), jobs: archiverJobs(settings) };
  },
});
