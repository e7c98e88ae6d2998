import { join } from 'node:path';

import { artifactRepositoryFromText, openArtifactDrivers, runProgram } from '#libs/program';

import { configSchema } from './artifact-gc.config.js';
import { ArtifactGcModule, artifactGcJobs } from './artifact-gc.module.js';

await runProgram({
  name: 'artifact-gc',
  configSchema,
  build: ({ store, queue, resources, clock, logger, metrics }, config) => {
    const drivers = openArtifactDrivers({ resources, clock, filesystemFolder: join(config.dataDir, 'artifacts') });
    const settings = {
      concurrency: config.artifactGcConcurrency,
      objectsPerJob: config.artifactGcObjectsPerJob,
      parallelDeletions: config.artifactGcParallelDeletions,
      retryBaseMs: config.artifactGcRetryBase,
      retryLongestMs: config.artifactGcRetryLongest,
      keepFinishedMs: config.artifactGcKeepFinished,
      repository: artifactRepositoryFromText(config.artifactRepository)?.location,
    };
    return {
      module: ArtifactGcModule.register({ store, queue, drivers, clock, logger, metrics, settings }),
      jobs: artifactGcJobs(settings),
      close: async () => drivers.close(),
    };
  },
});
