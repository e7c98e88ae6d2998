import { hostname } from 'node:os';
import path from 'node:path';
import { artifactRepositoryFromText, openArtifactDrivers, runProgram } from '#libs/program';
import { configSchema, logShippingOf } from './pod-manager.config.js';
import { PodManagerModule, podManagerJobs } from './pod-manager.module.js';
import { openPodRuntime } from './wiring/open-pod-runtime.js';

await runProgram({
  name: 'pod-manager',
  configSchema,
  build: async ({ store, queue, resources, controllerConfig, clock, logger, metrics }, config) => {
    // All pod-managers of a cluster share its pods; what needs no pod belongs to the one that does it.
    const isCluster = config.runtime === 'kubernetes';
    const host = config.podHost ?? (isCluster ? 'kubernetes' : hostname());
    const taskHost = isCluster ? (config.podManagerName ?? hostname()) : undefined;
    const artifacts = openArtifactDrivers({
      resources,
      clock,
      filesystemFolder: path.join(config.dataDir, 'artifacts'),
      stores: config,
      lender: {
        namespace: config.controllerNamespace,
        config: controllerConfig,
        repository: artifactRepositoryFromText(config.artifactRepository)?.location,
      },
    });
    const runtime = await openPodRuntime(
      {
        ...config,
        host,
        taskHost,
        cluster: config,
        hiddenPaths: [],
        logShipping: logShippingOf(config),
      },
      { store, queue, resources, controllerConfig, artifacts, clock, logger, metrics },
    );
    const settings = {
      ...config,
      host,
      taskHost,
      logs: {
        host: config.logHost,
        port: config.logPort,
        token: config.internalToken?.reveal(),
        advertisedUrl: config.logAdvertisedUrl,
        sharedUrl: config.logSharedUrl,
      },
    };
    return {
      module: PodManagerModule.register({ store, queue, runtime, artifacts, clock, logger, metrics, settings }),
      jobs: podManagerJobs(settings),
      close: async () => artifacts.close(),
    };
  },
});
