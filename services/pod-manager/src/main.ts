import { hostname } from 'node:os';
import path from 'node:path';
import { openArtifactDrivers, runProgram } from '#libs/program';
import { configSchema, logShippingOf } from './pod-manager.config.js';
import { PodManagerModule, podManagerJobs } from './pod-manager.module.js';
import { openPodRuntime } from './wiring/open-pod-runtime.js';

await runProgram({
  name: 'pod-manager',
  configSchema,
  build: async ({ store, queue, resources, controllerConfig, clock, logger }, config) => {
    // All pod-managers of a cluster share its pods; what needs no pod belongs to the one that does it.
    const taskHost = hostname();
    const host = config.podHost ?? (config.runtime === 'kubernetes' ? 'kubernetes' : taskHost);
    const artifacts = openArtifactDrivers({
      resources,
      clock,
      filesystemFolder: path.join(config.dataDir, 'artifacts'),
      stores: config,
      lender: { namespace: config.controllerNamespace, config: controllerConfig },
    });
    const runtime = await openPodRuntime(
      {
        ...config,
        host,
        ...(config.runtime === 'kubernetes' ? { taskHost } : {}),
        cluster: config,
        hiddenPaths: [],
        logShipping: logShippingOf(config),
      },
      { store, queue, resources, controllerConfig, artifacts, clock, logger },
    );
    const settings = {
      ...config,
      host,
      ...(config.runtime === 'kubernetes' ? { taskHost } : {}),
      logs: {
        host: config.logHost,
        port: config.logPort,
        token: config.internalToken?.reveal(),
        advertisedUrl: config.logAdvertisedUrl,
      },
    };
    return {
      module: PodManagerModule.register({ store, queue, runtime, artifacts, clock, logger, settings }),
      jobs: podManagerJobs(settings),
      close: async () => artifacts.close(),
    };
  },
});
