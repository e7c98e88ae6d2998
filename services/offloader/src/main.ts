import { runProgram } from '#libs/program';
import { configSchema } from './offloader.config.js';
import { OffloaderModule, offloaderJobs } from './offloader.module.js';

await runProgram({
  name: 'offloader',
  configSchema,
  build: ({ store, queue, clock, logger }, config) => {
    const settings = {
      maxSizeBytes: config.maxWorkflowSizeBytes,
      alwaysOffload: config.alwaysOffloadNodeStatus,
      intervalMs: config.recordIntervalMs,
      recordConcurrency: config.recordConcurrency,
      pruneIntervalMs: config.workflowGcPeriodMs,
      offloadTtlMs: config.offloadNodeStatusTtlMs,
    };
    return { module: OffloaderModule.register({ store, queue, clock, logger, settings }), jobs: offloaderJobs(settings) };
  },
});
