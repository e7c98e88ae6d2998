import { ArtifactTransfer, type ArtifactDrivers } from '#libs/artifacts';
import type { JobQueue } from '#libs/jobs';
import type { Logger } from '#libs/observability';
import type { ResourceStore } from '#libs/resources';
import type { PodRuntime } from '#libs/runtimes';
import type { Store } from '#libs/store';
import type { Clock } from '#libs/workflow-spec';
import { dataTask } from '../tasks/data/data-task.js';
import { httpTask } from '../tasks/http/http-task.js';
import { keepLog } from '../tasks/kept-log.js';
import { TaskRuntime } from '../tasks/task-runtime.js';
import { ResourceEnvSource } from './resource-env-source.js';

export interface TaskPorts {
  store: Store;
  queue: JobQueue;
  resources: ResourceStore;
  artifacts: ArtifactDrivers;
  clock: Clock;
  logger: Logger;
}

/** They wait more than they work; what is beyond it stays Pending. */
const MAX_TASKS = 500;

/** The runtime with tasks beside its pods: http, data, resource and plugin templates are done in this process. */
export const withTasks = (pods: PodRuntime, ports: TaskPorts, host: string): PodRuntime => {
  const { store, resources, artifacts, clock, logger } = ports;
  const secrets = new ResourceEnvSource(resources);
  const transfer = new ArtifactTransfer(artifacts);
  return new TaskRuntime({
    pods,
    runners: {
      http: httpTask((namespace, name, key) => secrets.secretKey(namespace, name, key)),
      data: dataTask(artifacts),
    },
    openTasks: () => store.tasks.openOf(host),
    keepLog: (manifest, text) => keepLog(transfer, manifest, text),
    maxTasks: MAX_TASKS,
    hostName: host,
    clock,
    logger,
  });
};
