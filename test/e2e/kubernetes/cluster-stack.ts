import { fileURLToPath } from 'node:url';
import {
  EXECUTOR_FOLDER,
  executorImage,
  kubernetesCluster,
  removePods,
  startS3,
  type TestCluster,
  type TestS3,
} from '#libs/testing';
import { isFinishedWorkflowPhase, type NodeStatus, type Workflow, type WorkflowSpec } from '#libs/workflow-spec';
import { ApiClient } from '../../../services/cli/src/client/api-client.js';
import { WorkflowsApi } from '../../../services/cli/src/client/workflows-api.js';
import { HOST_OF_PODS, LOCAL_REGISTRY, repositoryOf, secretOf } from '../harness/cluster-place.js';
import { Fleet, missingOfFleet } from '../harness/fleet.js';

const WORKFLOW_RIGHTS = fileURLToPath(new URL('../../../k8s/workflow-rights', import.meta.url));
const LIMIT_MS = 120_000;
const POLL_MS = 100;

/** All services as processes of their own, two schedulers and two pod-managers among them, with pods in a namespace of a real cluster. */
export interface ClusterStack {
  cluster: TestCluster;
  namespace: string;
  /** Undefined where this machine has no S3 server program. */
  s3: TestS3 | undefined;
  client: ApiClient;
  api: WorkflowsApi;
  /** Submits and gives the workflow's name. */
  submit(spec: WorkflowSpec): Promise<string>;
  /** The workflow when it holds; by default when it has ended. */
  reach(name: string, holds?: (workflow: Workflow) => boolean): Promise<Workflow>;
  run(spec: WorkflowSpec): Promise<Workflow>;
  stop(): Promise<void>;
}

export const hasEnded = (workflow: Workflow): boolean => isFinishedWorkflowPhase(workflow.status?.phase ?? '');

/** The node of a workflow by its display name. */
export const nodeOf = (workflow: Workflow, displayName: string): NodeStatus | undefined =>
  Object.values(workflow.status?.nodes ?? {}).find((node) => node.displayName === displayName);

/** Gives the pods of workflows the right to write objects of their results. */
export const grantRights = ({ cluster, namespace }: Pick<ClusterStack, 'cluster' | 'namespace'>): Promise<string> =>
  cluster.kubectl(['-n', namespace, 'apply', '--server-side', '--kustomize', WORKFLOW_RIGHTS]);

/** Starts it, or gives the line that says why it cannot be had here. `variables` go to all services. */
export const startClusterStack = async (
  prefix: string,
  variables: Readonly<Record<string, string>> = {},
): Promise<ClusterStack | { skipped: string }> => {
  const missing = await missingOfFleet();
  if (missing !== undefined) return { skipped: missing };
  const cluster = await kubernetesCluster({ nodes: true });
  if ('skipped' in cluster) return cluster;
  const image = await executorImage();
  if (typeof image !== 'string') {
    await cluster.release();
    return image;
  }
  const namespace = await cluster.createNamespace(prefix);
  const s3 = await startS3({ host: HOST_OF_PODS });
  const environment: Record<string, string> = {
    RUNTIME: 'kubernetes',
    POD_HOST: 'kubernetes',
    KUBECONFIG: cluster.kubeconfig,
    EXECUTOR_IMAGE: image,
    EXECUTOR_FOLDER,
    REGISTRY_MIRRORS: LOCAL_REGISTRY,
    MANAGED_NAMESPACE: namespace,
    ...variables,
    ...(s3 === undefined ? {} : { ARTIFACT_REPOSITORY: JSON.stringify({ s3: repositoryOf(s3) }) }),
  };
  const fleet = await Fleet.prepare(environment, { namespace, address: HOST_OF_PODS });
  await fleet.start();
  const client = new ApiClient({ baseUrl: `http://${fleet.serverAddress}`, headers: {} });
  const api = new WorkflowsApi(client, namespace);
  if (s3 !== undefined) await putSecret({ cluster, client, namespace, s3 });
  const submit = async (spec: WorkflowSpec): Promise<string> => {
    const made = await api.create({
      apiVersion: 'argoproj.io/v1alpha1',
      kind: 'Workflow',
      metadata: { generateName: 'wf-', namespace },
      spec,
    });
    return made.metadata.name ?? '';
  };
  const reach: ClusterStack['reach'] = async (name, holds = hasEnded) => {
    const deadline = Date.now() + LIMIT_MS;
    for (;;) {
      const workflow = await api.get(name);
      if (holds(workflow)) return workflow;
      if (Date.now() > deadline) throw new Error(`${name} is not as wanted: ${JSON.stringify(workflow.status)}`);
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  };
  return {
    ...{ cluster, namespace, s3, client, api, submit, reach },
    run: async (spec) => reach(await submit(spec)),
    stop: async () => {
      await fleet.tearDown();
      await removePods(cluster, namespace);
      await s3?.stop();
      await cluster.release();
    },
  };
};

/** In the cluster for the pods, and in the table for what this process does itself. */
const putSecret = async ({
  cluster,
  client,
  namespace,
  s3,
}: Pick<ClusterStack, 'cluster' | 'client' | 'namespace'> & { s3: TestS3 }) => {
  const secret = secretOf(s3, namespace);
  await cluster.api.create({ apiVersion: 'v1', plural: 'secrets', namespace }, secret);
  await client.send('PUT', `/api/argosy/v1/resources/secrets/${namespace}/${secret.metadata.name}`, secret);
};
