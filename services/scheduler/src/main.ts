import { runProgram } from '#libs/program';
import { configSchema } from './scheduler.config.js';
import { SchedulerModule, schedulerJobs } from './scheduler.module.js';
import { schedulerSettings } from './scheduler.settings.js';

await runProgram({
  name: 'scheduler',
  configSchema,
  build: ({ store, queue, resources, cluster, controllerConfig, argoDatabase, clock, logger, metrics }, config) => {
    const settings = schedulerSettings(config);
    return {
      module: SchedulerModule.register({
        store,
        queue,
        resources,
        objects: cluster?.objects,
        controllerConfig,
        argoDatabase,
        clock,
        logger,
        metrics,
        settings,
      }),
      jobs: schedulerJobs(settings),
    };
  },
});
