import { artifactRepositoryFromText, runProgram } from '#libs/program';
import { configSchema } from './scheduler.config.js';
import { SchedulerModule, schedulerJobs } from './scheduler.module.js';

await runProgram({
  name: 'scheduler',
  configSchema,
  build: ({ store, queue, resources, clock, logger }, config) => {
    const settings = {
      engine: { artifactRepository: artifactRepositoryFromText(config.artifactRepository), podNames: config.podNames },
      instanceId: config.instanceId,
      reconcileConcurrency: config.reconcileConcurrency,
      stateCacheBytes: config.stateCacheBytes,
      inboxBatch: config.inboxBatch,
      retentionIntervalMs: config.retentionIntervalMs,
    };
    return {
      module: SchedulerModule.register({ store, queue, resources, clock, logger, settings }),
      jobs: schedulerJobs(settings),
    };
  },
});
