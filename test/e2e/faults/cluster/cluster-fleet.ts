import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  applyCustomResources,
  EXECUTOR_FOLDER,
  executorImage,
  kubernetesCluster,
  removePods,
  startS3,
  type TestCluster,
  type TestS3,
} from '#libs/testing';
import { HOST_OF_PODS, LOCAL_REGISTRY, repositoryOf, secretOf } from '../../harness/cluster-place.js';
import { Fleet, missingOfFleet } from '../../harness/fleet.js';
import { ApiProxy } from './api-proxy.js';
import { type OwnCluster, ownCluster } from './own-cluster.js';

/** A fleet of separate processes whose workflows and pods are objects of a cluster, reached through a proxy that makes trouble. */
export interface ClusterFleet {
  fleet: Fleet;
  cluster: TestCluster;
  namespace: string;
  proxy: ApiProxy;
  /** Undefined where the cluster is another's: what would hurt it is left out. */
  own: OwnCluster | undefined;
  /** Undefined where this machine has no S3 server program. */
  s3: TestS3 | undefined;
  journal: { address: string; port: number };
  stop(): Promise<void>;
}

/** Prepares it, with nothing started; or gives the line that says why it cannot be had here. */
export const clusterFleet = async (prefix: string): Promise<ClusterFleet | { skipped: string }> => {
  const missing = await missingOfFleet();
  if (missing !== undefined) return { skipped: missing };
  const cluster = await kubernetesCluster({ nodes: true });
  if ('skipped' in cluster) return cluster;
  const image = await executorImage();
  if (typeof image !== 'string') {
    await cluster.release();
    return image;
  }
  await applyCustomResources(cluster);
  const namespace = await cluster.createNamespace(prefix);
  const s3 = await startS3({ host: HOST_OF_PODS });
  if (s3 !== undefined) await cluster.api.create({ apiVersion: 'v1', plural: 'secrets', namespace }, secretOf(s3, namespace));
  const proxy = new ApiProxy(cluster.api.connection);
  await proxy.start();
  const variables = {
    RUNTIME: 'kubernetes',
    RESOURCES: 'kubernetes',
    POD_HOST: 'kubernetes',
    MANAGED_NAMESPACE: namespace,
    CONTROLLER_NAMESPACE: namespace,
    EXECUTOR_IMAGE: image,
    EXECUTOR_FOLDER,
    REGISTRY_MIRRORS: LOCAL_REGISTRY,
    ARTIFACT_REPOSITORY: s3 === undefined ? '{"filesystem":{}}' : JSON.stringify({ s3: repositoryOf(s3) }),
  };
  const folder = await mkdtemp(path.join(tmpdir(), 'argosy-faults-'));
  const kubeconfig = path.join(folder, 'kubeconfig');
  await writeFile(kubeconfig, kubeconfigOf(proxy.url));
  const fleet = await Fleet.prepare({ ...variables, KUBECONFIG: kubeconfig }, { namespace, address: HOST_OF_PODS });
  return {
    ...{ fleet, cluster, namespace, proxy, s3 },
    own: ownCluster(cluster),
    journal: { address: HOST_OF_PODS, port: fleet.journal.port },
    stop: async () => {
      await fleet.tearDown();
      await removePods(cluster, namespace);
      await letGoOfWorkflows(cluster, namespace);
      await proxy.stop();
      await s3?.stop();
      await cluster.release();
      await rm(folder, { recursive: true, force: true });
    },
  };
};

/** A namespace goes only when nobody holds its objects. */
const letGoOfWorkflows = async ({ api }: TestCluster, namespace: string): Promise<void> => {
  const workflows = { apiVersion: 'argoproj.io/v1alpha1', plural: 'workflows', namespace };
  const { items } = await api.list(workflows);
  const held = items.filter(({ metadata }) => (metadata.finalizers ?? []).length > 0);
  await Promise.allSettled(
    held.map(({ metadata: { name } }) => api.patch({ ...workflows, name }, { metadata: { finalizers: [] } }, { type: 'merge' })),
  );
};

/** The proxy asks for no credential. */
const kubeconfigOf = (server: string): string =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'c', cluster: { server } }],
    users: [{ name: 'u', user: {} }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
  });
