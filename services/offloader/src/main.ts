import { runProgram } from '#libs/program';
import { configSchema } from './offloader.config.js';
import { OffloaderModule, offloaderJobs } from './offloader.module.js';
import { offloaderSettings } from './offloader.settings.js';

await runProgram({
  name: 'offloader',
  configSchema,
  build: ({ store, queue, cluster, controllerConfig, argoDatabase, clock, logger }, config) => {
    const settings = offloaderSettings(config);
    return {
      module: OffloaderModule.register({
        store,
        queue,
        objects: cluster?.objects,
        controllerConfig,
        argoDatabase,
        clock,
        logger,
        settings,
      }),
      jobs: offloaderJobs(settings),
    };
  },
});
