import {
  applyCustomResources,
  eventually,
  postgresTemplate,
  quietLogger,
  removePods,
  type TestCluster,
  type TestDatabase,
} from '#libs/testing';
import type { ApiObject } from '#libs/kubernetes';
import { isFinishedWorkflowPhase, nodeId, type Workflow } from '#libs/workflow-spec';
import { KubernetesRuntime } from '../../../libs/runtimes/src/kubernetes/kubernetes-runtime.js';
import type { LeftObject } from './argo-objects.js';
import { type ClusterStack, type Persistence, startClusterStack } from './cluster-stack.js';
import { PlayedKubelet } from './played-kubelet.js';
import { makeServiceAccounts, type ServiceAccounts } from './service-accounts.js';

const WORKFLOWS = { apiVersion: 'argoproj.io/v1alpha1', plural: 'workflows' } as const;
const PODS = { apiVersion: 'v1', plural: 'pods' } as const;
const NODE_ID = 'workflows.argoproj.io/node-id';
const LIMIT_MS = 60_000;
/** No scheduler of this name: pods get no node, and the test is their kubelet. */
export const UNSCHEDULED = 'played';

export const hasEnded = ({ status }: Workflow): boolean => isFinishedWorkflowPhase(status?.phase);

type PlayedParts = Pick<PlayedCluster, 'cluster' | 'namespace' | 'database' | 'accounts' | 'kubelet'>;

/** A namespace of a real API server whose pods are played, with a database that services may be stopped and started on. */
export class PlayedCluster {
  readonly cluster: TestCluster;
  readonly namespace: string;
  readonly database: TestDatabase;
  readonly accounts: ServiceAccounts;
  readonly kubelet: PlayedKubelet;
  stack: ClusterStack | undefined;

  private constructor(parts: PlayedParts) {
    ({
      cluster: this.cluster,
      namespace: this.namespace,
      database: this.database,
      accounts: this.accounts,
      kubelet: this.kubelet,
    } = parts);
  }

  static async prepare(cluster: TestCluster, prefix: string): Promise<PlayedCluster> {
    await applyCustomResources(cluster);
    const namespace = await cluster.createNamespace(prefix);
    const accounts = await makeServiceAccounts(cluster, namespace);
    const kubelet = new PlayedKubelet(cluster.api, namespace);
    return new PlayedCluster({ cluster, namespace, database: await postgresTemplate(), accounts, kubelet });
  }

  async start(persistence?: Persistence): Promise<ClusterStack> {
    const runtime = (): KubernetesRuntime =>
      new KubernetesRuntime({
        api: this.accounts.api('pod-manager'),
        executor: () => ({ container: { image: 'argosy' }, folder: '/argosy', mountsCredentials: false }),
        programOf: () => Promise.resolve(undefined),
        logger: quietLogger,
        namespace: this.namespace,
        ownersInCluster: true,
      });
    this.stack = await startClusterStack(this.accounts, this.namespace, this.database, {
      makeRuntime: runtime,
      persistence,
    });
    return this.stack;
  }

  async stop(): Promise<void> {
    await this.stack?.close();
    this.stack = undefined;
  }

  async release(): Promise<void> {
    await this.kubelet.stop();
    await this.stop();
    await removePods(this.cluster, this.namespace);
    await this.accounts.close();
    await this.database.drop();
    await this.cluster.release();
  }

  /** Makes a workflow object as it is, with the pods that somebody has made for its nodes and that run. */
  async leave({ workflow, pods }: LeftObject): Promise<ApiObject> {
    const { api } = this.cluster;
    const { namespace } = this;
    const { name = '' } = workflow.metadata;
    const spec = { ...workflow.spec, schedulerName: UNSCHEDULED };
    const made = await api.create<ApiObject>({ ...WORKFLOWS, namespace }, { ...workflow, spec });
    const owner = { apiVersion: workflow.apiVersion, kind: 'Workflow', name, uid: made.metadata.uid, controller: true };
    for (const { node, containers } of pods) {
      const pod = node === name ? name : nodeId(name, node);
      await api.create(
        { ...PODS, namespace },
        {
          ...{ apiVersion: 'v1', kind: 'Pod' },
          metadata: {
            name: pod,
            labels: { 'workflows.argoproj.io/workflow': name, 'workflows.argoproj.io/completed': 'false' },
            annotations: { [NODE_ID]: nodeId(name, node), 'workflows.argoproj.io/node-name': node },
            ownerReferences: [owner],
          },
          spec: {
            ...{ restartPolicy: 'Never', schedulerName: UNSCHEDULED },
            containers: containers.map((each) => ({ name: each, image: 'sim', args: ['result=x'] })),
          },
        },
      );
      const status = { status: { phase: 'Running' } };
      await api.patch({ ...PODS, namespace, name: pod, subresource: 'status' }, status, { type: 'merge' });
    }
    return made;
  }

  read(name: string): Promise<Workflow> {
    return this.cluster.api.get<Workflow>({ ...WORKFLOWS, namespace: this.namespace, name });
  }

  /** The workflow when it holds; by default when it has ended. */
  async until(name: string, holds: (workflow: Workflow) => boolean = hasEnded): Promise<Workflow> {
    let last: Workflow | undefined;
    await eventually(
      async () => holds((last = await this.read(name))),
      () => `${name}: ${JSON.stringify(last?.status).slice(0, 1500)}`,
      LIMIT_MS,
    );
    return last as Workflow;
  }

  /** The pods of a workflow. */
  async podsOf(name: string): Promise<ApiObject[]> {
    const labelSelector = `workflows.argoproj.io/workflow=${name}`;
    return (await this.cluster.api.list({ ...PODS, namespace: this.namespace }, { labelSelector })).items;
  }

  /** Uids of the pods of a workflow, by the ids of their nodes. */
  async podsByNode(name: string): Promise<Record<string, string[]>> {
    const uids: Record<string, string[]> = {};
    for (const { metadata } of await this.podsOf(name))
      (uids[metadata.annotations?.[NODE_ID] ?? ''] ??= []).push(metadata.uid ?? '');
    return uids;
  }

  /** Reasons and messages of the events about a workflow. */
  async eventsOf(name: string): Promise<string[]> {
    const { items } = await this.cluster.api.list({ apiVersion: 'v1', plural: 'events', namespace: this.namespace });
    const events = items as unknown as { involvedObject: { name?: string }; reason: string; message: string }[];
    return events.filter((event) => event.involvedObject.name === name).map(({ reason, message }) => `${reason}: ${message}`);
  }
}
