import type { ConfigOf } from '#libs/config';
import { artifactRepositoryFromText } from '#libs/program';
import type { configSchema } from './artifact-gc.config.js';
import type { ArtifactGcSettings } from './artifact-gc.module.js';

/** The module's settings out of the program's variables. Throws ConfigError for a repository that cannot be read. */
export const artifactGcSettings = (config: ConfigOf<typeof configSchema>): ArtifactGcSettings => ({
  concurrency: config.artifactGcConcurrency,
  objectsPerJob: config.artifactGcObjectsPerJob,
  parallelDeletions: config.artifactGcParallelDeletions,
  retryBaseMs: config.artifactGcRetryBase,
  retryLongestMs: config.artifactGcRetryLongest,
  keepFinishedMs: config.artifactGcKeepFinished,
  repository: artifactRepositoryFromText(config.artifactRepository)?.location,
});
