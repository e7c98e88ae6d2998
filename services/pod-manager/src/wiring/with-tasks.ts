import { ArtifactTransfer } from '#libs/artifacts';
import type { KubernetesApi } from '#libs/kubernetes';
import type { PodRuntime } from '#libs/runtimes';
import { dataTask } from '../tasks/data/data-task.js';
import { httpTask } from '../tasks/http/http-task.js';
import { keepLog } from '../tasks/kept-log.js';
import { PluginAgents } from '../tasks/plugin/plugin-agents.js';
import type { PluginNetwork } from '../tasks/plugin/plugin-network.js';
import { pluginTask } from '../tasks/plugin/plugin-task.js';
import { readArtifactText } from '../tasks/resource/manifest-artifact.js';
import { resourceTask } from '../tasks/resource/resource-task.js';
import { MadePods } from '../tasks/side-pods/made-pods.js';
import { SidePods } from '../tasks/side-pods/side-pods.js';
import { TaskRuntime } from '../tasks/task-runtime.js';
import { ResourceEnvSource } from './resource-env-source.js';
import type { TaskPorts } from './task-ports.js';
import { clusterObjects, keptObjects, noCollection, orphanCollection } from './task-objects.js';

export interface TaskSettings {
  host: string;
  /** Executor plugins that are installed there are for every workflow. */
  controllerNamespace?: string | undefined;
  /** Default: auto. */
  pluginNetwork?: PluginNetwork | undefined;
  /** Where objects are those of a cluster: its API server. Closed with the runtime. */
  clusterApi?: KubernetesApi | undefined;
}

/** Runtimes whose pods have addresses of their own. */
const ADDRESSED_RUNTIMES = new Set(['docker', 'kubernetes']);
/** They wait more than they work; what is beyond it stays Pending. */
const MAX_TASKS = 500;

/** The runtime with tasks beside its pods: http, data, resource and plugin templates are done in this process. */
export const withTasks = (
  pods: PodRuntime,
  ports: TaskPorts,
  { host, controllerNamespace = 'argo', pluginNetwork = 'auto', clusterApi }: TaskSettings,
): PodRuntime => {
  const { store, queue, resources, artifacts, clock, logger } = ports;
  const secrets = new ResourceEnvSource(resources);
  const transfer = new ArtifactTransfer(artifacts);
  const madePods: MadePods = new MadePods({ resources, pods: () => sidePods, host, logger });
  const sidePods = new SidePods({ runtime: pods, onSeen: (seen) => madePods.take(seen), logger });
  const agents = new PluginAgents({
    pods: sidePods,
    host,
    hasOwnAddresses: ADDRESSED_RUNTIMES.has(pods.name),
    network: pluginNetwork,
    logger,
  });
  return new TaskRuntime({
    pods,
    runners: {
      http: httpTask((namespace, name, key) => secrets.secretKey(namespace, name, key)),
      data: dataTask(artifacts),
      plugin: pluginTask({ resources, agents, controllerNamespace }),
      resource: resourceTask({
        objectsFor:
          clusterApi === undefined ? keptObjects(resources, { store, queue, clock }, madePods) : clusterObjects(clusterApi),
        readArtifact: (run, name) => readArtifactText(transfer, run, name),
      }),
    },
    plugins: agents,
    collection: clusterApi === undefined ? orphanCollection(ports, madePods, host) : noCollection,
    close: () => clusterApi?.connection.close(),
    sidePods,
    madePods,
    openTasks: () => store.tasks.openOf(host),
    keepLog: (manifest, text) => keepLog(transfer, manifest, text),
    maxTasks: MAX_TASKS,
    hostName: host,
    clock,
    logger,
  });
};
