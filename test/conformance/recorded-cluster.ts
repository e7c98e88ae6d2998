import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  applyCustomResources,
  EXECUTOR_FOLDER,
  executorImage,
  kubernetesCluster,
  removePods,
  type TestCluster,
} from '#libs/testing';
import { Fleet, missingOfFleet } from '../e2e/harness/fleet.js';
import { fullName, imagesOfCluster, withImagesOfCluster } from './cluster-images.js';
import type { RecordedObject, Recording } from './recordings.js';

/** Where the recordings' pods run as those of a real cluster. */
export interface RecordedCluster {
  /** Address of this machine at which pods reach it. */
  hostOfPods: string;
  /** Puts an object that pods look at beside the workflow into the cluster. */
  apply: (object: RecordedObject) => Promise<void>;
  /** Starts an installation whose pods are the cluster's; `more` are variables of all its services. */
  start(more: Readonly<Record<string, string>>): Promise<StartedFleet>;
  close(): Promise<void>;
}

/** An installation by its addresses. */
export interface StartedFleet {
  /** Of the API, for this machine. */
  url: string;
  /** Of the API, for pods. */
  urlForPods: string;
  stop(): Promise<void>;
}

const HOST_OF_PODS = '10.254.0.1';
const LOCAL_REGISTRY = 'docker.io=http://127.0.0.1:5001,quay.io=http://127.0.0.1:5001';
/** What containers mount and read; all else is ours alone. */
const SEEN_BY_PODS: Readonly<Record<string, string>> = { ConfigMap: 'configmaps', Secret: 'secrets' };

/** Why a recording cannot run on the cluster of the tests; undefined where it can. */
export const missingInCluster = (recording: Recording): string | undefined => {
  const { workflow, others } = withImagesOfCluster(recording);
  const names = new Set([...JSON.stringify({ workflow, others }).matchAll(/"image":"([^"{]+)"/g)].map(([, name = '']) => name));
  const there = imagesOfCluster();
  const missing = [...names].filter((name) => !there.has(fullName(name)));
  return missing.length === 0 ? undefined : `the cluster of the tests has no image ${missing.join(', ')}`;
};

/** Whether workflows have to be objects of the cluster: only those are under the rights of service accounts that the real Argo was forbidden by. */
export const needsObjects = ({ status }: Recording): boolean => JSON.stringify(status ?? {}).includes('(Forbidden)');

/** Recordings name their namespace, so it is used again. */
const makeEmpty = async (cluster: TestCluster, namespace: string): Promise<void> => {
  const there = await cluster.kubectl(['get', 'namespaces', '-o', 'name']);
  if (!there.split('\n').includes(`namespace/${namespace}`)) await cluster.kubectl(['create', 'namespace', namespace]);
  await removePods(cluster, namespace);
};

/** Workflows that are objects, also those that nobody lets go any more. */
const removeWorkflows = async ({ api }: TestCluster, namespace: string): Promise<void> => {
  const workflows = { apiVersion: 'argoproj.io/v1alpha1', plural: 'workflows', namespace };
  await api.deleteCollection(workflows);
  const { items } = await api.list(workflows);
  await Promise.allSettled(
    items.map(({ metadata: { name } }) => api.patch({ ...workflows, name }, { metadata: { finalizers: [] } }, { type: 'merge' })),
  );
};

/** Claims that stood in the recorder's cluster: those that a workflow names itself and does not make. */
const makeClaims = async (cluster: TestCluster, namespace: string, recordings: readonly Recording[]): Promise<void> => {
  const named = [...JSON.stringify(recordings).matchAll(/"claimName":"([a-z0-9-]+)"/g)].map(([, name = '']) => name);
  const spec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } };
  for (const name of new Set(named)) {
    const claim = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name, namespace }, spec };
    await cluster.kubectl(['apply', '-f', '-'], JSON.stringify(claim));
  }
};

/** Two schedulers and two pod-managers, and one of each other service, as processes of their own. */
const startFleet = async (environment: Record<string, string>, namespace: string): Promise<StartedFleet> => {
  const fleet = await Fleet.prepare(environment, { namespace, address: HOST_OF_PODS });
  await fleet.start();
  const door = await openForPods(fleet.serverAddress);
  return {
    url: `http://${fleet.serverAddress}`,
    urlForPods: door.url,
    stop: async () => {
      await door.close();
      await fleet.tearDown();
    },
  };
};

/** The API without a token answers loopback alone; what pods ask at an address that they reach is asked there for them. */
const openForPods = async (address: string): Promise<{ url: string; close(): Promise<void> }> => {
  const server = createServer((asked, answer) => {
    const { method, headers } = asked;
    const onward = request(`http://${address}${asked.url ?? ''}`, { method, headers: { ...headers, host: address } }, (found) => {
      answer.writeHead(found.statusCode ?? 502, found.headers);
      found.pipe(answer);
    });
    onward.on('error', () => answer.destroy());
    asked.pipe(onward);
  });
  await new Promise<void>((settle) => server.listen(0, HOST_OF_PODS, settle));
  return {
    url: `http://${HOST_OF_PODS}:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((settle) => {
        server.close(() => settle());
        server.closeAllConnections();
      }),
  };
};

/** What is played where. */
export interface RecordedPlace {
  namespace: string;
  recordings: readonly Recording[];
  /** Whether workflows, templates and ConfigMaps are objects of the cluster too, or rows of the database. */
  withObjects: boolean;
}

/** Makes the namespace of the recordings with what stood in it. */
export const openRecordedCluster = async ({ namespace, recordings, withObjects }: RecordedPlace): Promise<RecordedCluster> => {
  const missing = await missingOfFleet();
  if (missing !== undefined) throw new Error(missing);
  const cluster = await kubernetesCluster({ nodes: true });
  if ('skipped' in cluster) throw new Error(cluster.skipped);
  const image = await executorImage();
  if (typeof image !== 'string') throw new Error(image.skipped);
  const { kubeconfig } = cluster;
  const kubectl = (args: readonly string[], input?: string): Promise<string> => cluster.kubectl(args, input);
  await makeEmpty(cluster, namespace);
  const accounts = new Set(
    [...JSON.stringify(recordings).matchAll(/"serviceAccountName":"([a-z0-9-]+)"/g)].map(([, name = '']) => name),
  );
  for (const account of accounts)
    if (account !== 'default') await kubectl(['-n', namespace, 'create', 'serviceaccount', account]).catch(() => undefined);
  await makeClaims(cluster, namespace, recordings);
  if (withObjects) {
    await applyCustomResources(cluster);
    await removeWorkflows(cluster, namespace);
  }
  const environment = {
    RUNTIME: 'kubernetes',
    POD_HOST: 'kubernetes',
    KUBECONFIG: kubeconfig,
    EXECUTOR_IMAGE: image,
    EXECUTOR_FOLDER,
    REGISTRY_MIRRORS: LOCAL_REGISTRY,
    MANAGED_NAMESPACE: namespace,
    ...(withObjects ? { RESOURCES: 'kubernetes', CONTROLLER_NAMESPACE: namespace } : {}),
  };
  return {
    hostOfPods: HOST_OF_PODS,
    apply: async (object) => {
      const plural = SEEN_BY_PODS[object.kind];
      if (plural === undefined) return;
      const { name, labels, annotations } = object.metadata as Record<string, unknown>;
      const metadata = { name, namespace, ...(labels ? { labels } : {}), ...(annotations ? { annotations } : {}) };
      await kubectl(['apply', '-f', '-'], JSON.stringify({ ...object, metadata }));
    },
    start: (more) => startFleet({ ...environment, ...more }, namespace),
    close: async () => {
      await removePods(cluster, namespace);
      if (withObjects) await removeWorkflows(cluster, namespace);
      await cluster.release();
    },
  };
};
