import { join } from 'node:path';

import { CredentialNamespaces, openArtifactDrivers, runProgram } from '#libs/program';

import { configSchema } from './artifact-gc.config.js';
import { ArtifactGcModule, artifactGcJobs } from './artifact-gc.module.js';
import { artifactGcSettings } from './artifact-gc.settings.js';

await runProgram({
  name: 'artifact-gc',
  configSchema,
  build: ({ store, queue, resources, clock, logger, metrics }, config) => {
    const drivers = openArtifactDrivers({
      resources,
      clock,
      filesystemFolder: join(config.dataDir, 'artifacts'),
      stores: config,
    });
    const settings = artifactGcSettings(config);
    const credentials = new CredentialNamespaces({ resources, controllerNamespace: config.controllerNamespace });
    return {
      module: ArtifactGcModule.register({ store, queue, drivers, credentials, clock, logger, metrics, settings }),
      jobs: artifactGcJobs(settings),
      close: async () => drivers.close(),
    };
  },
});
