import { runProgram } from '#libs/program';
import { configSchema } from './archiver.config.js';
import { ArchiverModule, archiverJobs } from './archiver.module.js';
import { archiverSettings } from './archiver.settings.js';

await runProgram({
  name: 'archiver',
  configSchema,
  build: ({ store, queue, cluster, controllerConfig, clock, logger }, config) => {
    const settings = archiverSettings(config);
    return {
      module: ArchiverModule.register({ store, queue, objects: cluster?.objects, controllerConfig, clock, logger, settings }),
      jobs: archiverJobs(settings),
    };
  },
});
