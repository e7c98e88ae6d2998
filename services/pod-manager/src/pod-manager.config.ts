import {
  artifactStoreFields,
  type clusterFields,
  configOf,
  duration,
  integer,
  list,
  oneOf,
  optionalInteger,
  optionalSecret,
  optionalText,
  programFields,
  size,
  text,
} from '#libs/config';
import type { z } from 'zod';
import type { LogShippingSettings } from './logs/log-shipments.js';
import { PLUGIN_NETWORKS } from './tasks/plugin/plugin-network.js';

/** What pods on Kubernetes are given. */
const executorFields = {
  executorImage: text({
    about:
      "Image of the containers init and wait in pods on Kubernetes; `executor.image` of the controller's configuration goes before it.",
    byDefault: 'argosy-executor:latest',
  }),
  executorFolder: text({ about: 'Folder of the executor in that image.', byDefault: '/app/pod' }),
  registryMirrors: list({
    about: 'Where registries are asked what an image runs, as `registry=URL`; `docker.io` is Docker Hub.',
  }),
  artifactBrokerUrl: optionalText({
    about:
      'Where pods on Kubernetes reach the artifact broker of the server; absent: the Secrets of artifact stores are mounted.',
  }),
  artifactBrokerKey: optionalSecret({
    about: "Key of the pods' tokens for the broker; one that the installation keeps in its database where absent.",
  }),
  artifactBrokerTokenTtlMs: duration({ about: "Life of a pod's token for the broker.", byDefault: '7d' }),
} as const;

/** Variables of the pod-manager. */
export const configSchema = configOf({
  ...programFields,
  ...executorFields,
  ...artifactStoreFields,
  runtime: oneOf({
    about: 'What runs pods; auto takes the first that works here.',
    choices: ['auto', 'sandbox', 'docker', 'kubernetes', 'simulated'],
    byDefault: 'auto',
  }),
  podHost: optionalText({ about: "Name of the machine whose pods this program runs; the machine's host name where absent." }),
  podManagerName: optionalText({
    about:
      "Name of this pod-manager among those that share the pods of a cluster, the same after a restart; the machine's host name where absent.",
  }),
  podTakeoverMs: duration({
    about: 'In what time the other pod-managers of a cluster follow the pods of one that has died.',
    byDefault: '15s',
  }),
  dataDir: text({ about: 'Folder for pods and, with the filesystem repository, artifacts.', byDefault: './.argosy' }),
  artifactRepository: optionalText({
    about: 'Default artifact repository as YAML or JSON; the one that the scheduler has. Its Secrets are lent to data templates.',
  }),
  imagesFile: optionalText({ about: 'YAML file that says what image names are (root folder, entrypoint, cmd).' }),
  hostPaths: list({
    about: 'Paths of this machine that pods may mount as hostPath, with all below them; without any, such pods are refused.',
  }),
  pluginNetwork: oneOf({
    about:
      "Network of executor plugins where pods share the host's: `host`, one of its `own` without any way out, or `auto`: the host's unless the plugin's port is taken there.",
    choices: PLUGIN_NETWORKS,
    byDefault: 'auto',
  }),
  maxPods: optionalInteger({ about: 'Most pods that run here at the same time; by cores and memory where absent.', min: 1 }),
  podConcurrency: integer({ about: 'Buckets of pods handled at the same time.', byDefault: 16, min: 1 }),
  observationBatch: integer({ about: 'Most observations of pods written in one transaction.', byDefault: 200, min: 1 }),
  heartbeatIntervalMs: duration({ about: 'How often this host says that it is there.', byDefault: '30s' }),
  silentAfterMs: duration({ about: 'A pod of which nothing was heard for this long is looked at.', byDefault: '30s' }),
  hostDeadAfterMs: duration({
    about: 'Pods of a host whose heartbeat stands still for this long are reported as lost, so that retries go on.',
    byDefault: '5m',
  }),
  logSegmentSizeBytes: size({
    about: 'Logs that are archived are shipped while the container runs, in segments of at most this size.',
    byDefault: '1Mi',
  }),
  logSegmentIntervalMs: duration({ about: 'How old a printed line gets at most before it is shipped.', byDefault: '5s' }),
  logBufferBytes: size({ about: 'Memory for the segments of all pods of this host.', byDefault: '32Mi' }),
  logHost: text({ about: 'Address on which logs are served to the API server.', byDefault: '127.0.0.1' }),
  logPort: integer({
    about: 'Port on which logs are served to the API server; 0 takes a free one.',
    byDefault: 2747,
    max: 65_535,
  }),
  logAdvertisedUrl: optionalText({
    about: 'URL under which the API server reaches that port; made of address and port where absent.',
  }),
  logSharedUrl: optionalText({
    about:
      'URL under which the API server reaches that port of any pod-manager of a cluster, for the logs of its pods; that of one of them where absent.',
  }),
  internalToken: optionalSecret({ about: 'Token that programs of this installation show each other.' }),
});

/** How logs are shipped, as the variables say. */
export const logShippingOf = ({
  logSegmentSizeBytes: segmentBytes,
  logSegmentIntervalMs: segmentMs,
  logBufferBytes: bufferBytes,
}: Pick<
  z.infer<typeof configSchema>,
  'logSegmentSizeBytes' | 'logSegmentIntervalMs' | 'logBufferBytes'
>): LogShippingSettings => ({
  segmentBytes,
  segmentMs,
  bufferBytes,
});

/** Where the cluster is and what its pods are given. */
export type ClusterSettings = Pick<
  z.infer<typeof configSchema>,
  keyof typeof executorFields | keyof typeof clusterFields | 'instanceId'
>;
