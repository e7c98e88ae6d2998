import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KubernetesApi } from '#libs/kubernetes';
import { eventually, kubernetesCluster, type TestCluster } from '#libs/testing';
import type { Workflow } from '#libs/workflow-spec';
import { KubernetesResourceStore, KubernetesWorkflowObjects, type Resource, type WorkflowProjection } from '../index.js';

const found = await kubernetesCluster({ nodes: false });
const GROUP = `parted-${randomBytes(4).toString('hex')}.argosy.dev`;
const KINDS = { workflows: 'Workflow', cronworkflows: 'CronWorkflow' };
const definitionNames = Object.keys(KINDS).map((plural) => `${plural}.${GROUP}`);

/** The kinds of Argo's group where a group of our own has them: others use the definitions of this cluster. */
class InOtherGroup extends KubernetesApi {
  override request<T>(request: Parameters<KubernetesApi['request']>[0]): Promise<T> {
    const body = request.body as { apiVersion?: string } | undefined;
    const isOurs = body?.apiVersion?.startsWith('argoproj.io/') === true;
    return super.request<T>({
      ...request,
      path: request.path.replace('/apis/argoproj.io/', `/apis/${GROUP}/`),
      ...(isOurs ? { body: { ...body, apiVersion: `${GROUP}/v1alpha1` } } : {}),
    });
  }
}

const definition = (plural: string, kind: string) => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `${plural}.${GROUP}` },
  spec: {
    group: GROUP,
    names: { kind, plural },
    scope: 'Namespaced',
    versions: [
      {
        name: 'v1alpha1',
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      },
    ],
  },
});

describe.skipIf('skipped' in found)(
  `kinds whose status is a subresource, on a real API server ${'skipped' in found ? `(${found.skipped})` : ''}`,
  () => {
    const cluster = found as TestCluster;
    let namespace = '';
    let api: KubernetesApi;

    beforeAll(async () => {
      namespace = await cluster.createNamespace('parted');
      for (const [plural, kind] of Object.entries(KINDS))
        await cluster.kubectl(['apply', '-f', '-'], JSON.stringify(definition(plural, kind)));
      await cluster.kubectl(['wait', '--for=condition=Established', '--timeout=60s', 'crd', ...definitionNames]);
      api = new InOtherGroup({ connection: cluster.api.connection });
      const offered = async (): Promise<string[]> => {
        const path = '/apis/argoproj.io/v1alpha1';
        const { resources } = await api.request<{ resources: { name: string }[] }>({ method: 'GET', path });
        return resources.map(({ name }) => name);
      };
      const isServed = async (): Promise<boolean> => {
        const names = await offered().catch((): string[] => []);
        return Object.keys(KINDS).every((plural) => names.includes(`${plural}/status`));
      };
      await eventually(isServed, 'the kinds are served');
    });
    afterAll(async () => {
      await cluster.kubectl(['delete', 'crd', '--wait=false', ...definitionNames]);
      await cluster.release();
    });

    it('shows the state of workflows, and never puts back an older one', async () => {
      const objects = () => new KubernetesWorkflowObjects({ api });
      const made = await objects().create({
        metadata: { name: 'shown', namespace, labels: { team: 'a' } },
        spec: { entrypoint: 'main', templates: [{ name: 'main', suspend: {} }] },
      });
      const running = { suspend: false, shutdown: '' };
      const projection = (version: number, phase: string): WorkflowProjection => ({
        key: { namespace, name: 'shown', uid: made.metadata.uid ?? '' },
        version,
        labels: { 'workflows.argoproj.io/phase': phase },
        annotations: {},
        status: { phase, nodes: { [`node-${version}`]: { id: 'n' } } },
        controls: { ...running, shutdown: phase === 'Failed' ? 'Stop' : '' },
        submittedControls: running,
      });
      const read = async (): Promise<Workflow | undefined> => (await objects().find(namespace, 'shown'))?.workflow;
      const ours = objects();
      expect(await ours.project(projection(1, 'Running'))).toBe('written');
      expect(await read()).toMatchObject({ status: { phase: 'Running', nodes: { 'node-1': {} } } });
      const before = await objects().find(namespace, 'shown');
      expect(await objects().project(projection(3, 'Failed'))).toBe('written');
      expect(await ours.project(projection(2, 'Running'))).toBe('newer');
      expect(await read()).toMatchObject({
        metadata: { labels: { team: 'a', 'workflows.argoproj.io/phase': 'Failed' } },
        spec: { shutdown: 'Stop' },
        status: { phase: 'Failed', nodes: { 'node-3': {} } },
      });
      expect((await read())?.status?.nodes).not.toHaveProperty('node-1');
      const after = await objects().find(namespace, 'shown');
      expect(after?.recordVersion).toBe(3);
      expect(Number(after?.writtenOver)).toBeGreaterThan(Number(before?.resourceVersion));
    });

    it('stores the status of a CronWorkflow', async () => {
      const store = new KubernetesResourceStore({ api });
      const key = { kind: 'CronWorkflow', namespace, name: 'often' };
      const spec = { schedules: ['@hourly'], workflowSpec: {} };
      const made = await store.create({
        apiVersion: 'argoproj.io/v1alpha1',
        kind: 'CronWorkflow',
        metadata: { name: 'often', namespace },
        spec,
        status: { phase: 'Active' },
      });
      expect(made).toMatchObject({ status: { phase: 'Active' } });
      const changed: Resource = { ...made, spec: { ...spec, suspend: true }, status: { phase: 'Stopped', succeeded: 3 } };
      expect(await store.update(changed)).toMatchObject({ spec: { suspend: true }, status: { phase: 'Stopped' } });
      expect(await store.get(key)).toMatchObject({ spec: { suspend: true }, status: { phase: 'Stopped', succeeded: 3 } });
    });
  },
);
