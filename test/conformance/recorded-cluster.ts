import { existsSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { EXECUTOR_FOLDER, executorImage, kubernetesCluster, removePods, type TestCluster } from '#libs/testing';
import { Fleet, missingOfFleet } from '../e2e/harness/fleet.js';
import type { RecordedObject, Recording } from './recordings.js';

/** Where the recordings' pods run as those of a real cluster. */
export interface RecordedCluster {
  /** Address of this machine at which pods reach it. */
  hostOfPods: string;
  /** Puts an object that pods look at beside the workflow into the cluster. */
  apply: (object: RecordedObject) => Promise<void>;
  /** Starts an installation whose pods are the cluster's; `more` are variables of all its services. */
  start(more: Readonly<Record<string, string>>): Promise<{ url: string; stop(): Promise<void> }>;
  close(): Promise<void>;
}

const HOST_OF_PODS = '10.254.0.1';
const LOCAL_REGISTRY = 'docker.io=http://127.0.0.1:5001,quay.io=http://127.0.0.1:5001';
/** What containers mount and read; all else is ours alone. */
const SEEN_BY_PODS: Readonly<Record<string, string>> = { ConfigMap: 'configmaps', Secret: 'secrets' };

/** Why a recording cannot run on the cluster of the tests; undefined where it can. */
export const missingInCluster = (recording: Recording): string | undefined => {
  if (JSON.stringify(recording.workflow).includes('"bash"')) return 'the images of the cluster of the tests have no bash';
  const names = new Set([...JSON.stringify(recording.workflow).matchAll(/"image":"([^"{]+)"/g)].map(([, name = '']) => name));
  const missing = [...names].filter((name) => !imagesOfCluster().has(fullName(name)));
  return missing.length === 0 ? undefined : `the cluster of the tests has no image ${missing.join(', ')}`;
};

let images: Set<string> | undefined;
const imagesOfCluster = (): Set<string> => {
  const file = path.join(process.env['CLUSTER_DIR'] ?? path.join(tmpdir(), 'argosy-cluster'), 'images/index.json');
  images ??= new Set(existsSync(file) ? Object.keys(JSON.parse(readFileSync(file, 'utf8')) as object) : []);
  return images;
};
const fullName = (image: string): string =>
  `${image.includes('/') ? '' : 'library/'}${image}${image.includes(':') ? '' : ':latest'}`;

/** Recordings name their namespace, so it is used again. */
const makeEmpty = async (cluster: TestCluster, namespace: string): Promise<void> => {
  const there = await cluster.kubectl(['get', 'namespaces', '-o', 'name']);
  if (!there.split('\n').includes(`namespace/${namespace}`)) await cluster.kubectl(['create', 'namespace', namespace]);
  await removePods(cluster, namespace);
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
const startFleet = async (
  environment: Record<string, string>,
  namespace: string,
): Promise<{ url: string; stop(): Promise<void> }> => {
  const fleet = await Fleet.prepare(environment, { namespace, address: HOST_OF_PODS });
  await fleet.start();
  return { url: `http://${fleet.serverAddress}`, stop: () => fleet.tearDown() };
};

/** Makes the namespace of the recordings with what stood in it. */
export const openRecordedCluster = async (namespace: string, recordings: readonly Recording[]): Promise<RecordedCluster> => {
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
  const environment = {
    RUNTIME: 'kubernetes',
    POD_HOST: 'kubernetes',
    KUBECONFIG: kubeconfig,
    EXECUTOR_IMAGE: image,
    EXECUTOR_FOLDER,
    REGISTRY_MIRRORS: LOCAL_REGISTRY,
    MANAGED_NAMESPACE: namespace,
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
      await cluster.release();
    },
  };
};
