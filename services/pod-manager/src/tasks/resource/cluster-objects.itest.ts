import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PodManifest } from '#libs/pod-spec';
import { applyCustomResources, eventually, kubernetesCluster, type TestCluster } from '#libs/testing';
import type { Parameter, ResourceTemplate } from '#libs/workflow-spec';
import { clusterObjects } from '../../wiring/task-objects.js';
import type { TaskEnd } from '../task.js';
import { resourceTask } from './resource-task.js';

const found = await kubernetesCluster({ nodes: false });
const RBAC = 'rbac.authorization.k8s.io';

/** Whose steps these are: one account may do most, one may read ConfigMaps, `default` nothing. */
const ROLES = {
  maker: [
    { apiGroups: ['', 'apps', 'batch', 'argoproj.io'], resources: ['*'], verbs: ['*'] },
    { apiGroups: ['example.com'], resources: ['*'], verbs: ['*'] },
  ],
  reader: [{ apiGroups: [''], resources: ['configmaps'], verbs: ['get'] }],
  creator: [{ apiGroups: [''], resources: ['configmaps'], verbs: ['create'] }],
};

interface Step {
  resource: Partial<ResourceTemplate>;
  manifest?: unknown;
  account?: string;
  node?: string;
  outputs?: Parameter[];
}

describe.skipIf('skipped' in found)(
  `resource templates on a real API server ${'skipped' in found ? `(${found.skipped})` : ''}`,
  () => {
    const cluster = found as TestCluster;
    let namespace = '';
    let said: string[] = [];
    const ending = new AbortController();

    const step = async ({ resource, manifest = '', account = 'maker', node = 'a', outputs = [] }: Step): Promise<TaskEnd> => {
      said = [];
      const text = typeof manifest === 'string' ? manifest : JSON.stringify(manifest);
      const order = { kind: 'resource', resource: { action: 'get', manifest: text, ...resource } } as const;
      const work = { workflowName: 'w', workflowNamespace: namespace, workflowUid: 'u', outputParameters: outputs };
      const podManifest = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'own', namespace }, spec: {}, work };
      const task = resourceTask({
        objectsFor: clusterObjects(cluster.api),
        readArtifact: async () => JSON.stringify(configMap('from-artifact')),
      });
      return task({
        identity: { workflowUid: namespace, nodeId: node, incarnation: 0 },
        manifest: podManifest as unknown as PodManifest,
        order: { ...order, ...(account === '' ? {} : { serviceAccountName: account }) },
        signal: ending.signal,
        log: (line) => said.push(line),
        report: async () => undefined,
      });
    };
    const configMap = (name: string, data: Record<string, string> = {}, metadata: object = {}) => ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name, ...metadata },
      data,
    });
    const deployment = (name: string, spec: object = {}) => ({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name },
      spec: {
        replicas: 0,
        selector: { matchLabels: { app: name } },
        template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: 'main', image: 'busybox' }] } },
        ...spec,
      },
    });
    const read = async (...args: string[]): Promise<Record<string, unknown>> =>
      JSON.parse(await cluster.kubectl(['-n', namespace, 'get', '-o', 'json', ...args])) as Record<string, unknown>;
    const failed = (message: string): object => ({
      phase: 'Failed',
      exitCode: 64,
      message: `main: Error (exit code 64): ${message}`,
    });

    beforeAll(async () => {
      await applyCustomResources(cluster);
      namespace = await cluster.createNamespace('resource');
      const { api } = cluster;
      for (const [name, rules] of Object.entries(ROLES)) {
        await api.create(
          { apiVersion: 'v1', plural: 'serviceaccounts', namespace },
          { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name } },
        );
        const group = { apiVersion: `${RBAC}/v1`, namespace };
        await api.create(
          { ...group, plural: 'roles' },
          { apiVersion: group.apiVersion, kind: 'Role', metadata: { name }, rules },
        );
        await api.create(
          { ...group, plural: 'rolebindings' },
          {
            apiVersion: group.apiVersion,
            kind: 'RoleBinding',
            metadata: { name },
            roleRef: { apiGroup: RBAC, kind: 'Role', name },
            subjects: [{ kind: 'ServiceAccount', name, namespace }],
          },
        );
      }
      await eventually(
        async () => (await step({ resource: { flags: ['cm', 'kube-root-ca.crt'] }, account: 'reader' })).phase === 'Succeeded',
        'the rights count',
      );
    });
    afterAll(async () => {
      ending.abort();
      await cluster.release();
    });

    it('creates any kind once, however often the same task asks, without a trace in the object', async () => {
      const create: Step = { resource: { action: 'create' }, manifest: deployment('made', { replicas: 0 }) };
      expect(await step(create)).toEqual({ phase: 'Succeeded', exitCode: 0 });
      expect(said).toEqual(['deployment.apps/made created']);
      expect((await step(create)).phase).toBe('Succeeded');
      const { metadata } = await read('deployment', 'made');
      expect(Object.keys(metadata as object)).not.toContain('labels');
      expect(await step({ ...create, node: 'b' })).toEqual(
        failed(
          'no more retries Error from server (AlreadyExists): error when creating "/tmp/manifest.yaml": deployments.apps "made" already exists',
        ),
      );
    });

    it('does no more than the account of the step may, in the words of the API server', async () => {
      const user = (name: string) => `User "system:serviceaccount:${namespace}:${name}"`;
      expect(await step({ resource: { action: 'create' }, manifest: configMap('refused'), account: 'reader' })).toEqual(
        failed(
          `no more retries Error from server (Forbidden): error when creating "/tmp/manifest.yaml": configmaps is forbidden: ${user('reader')} cannot create resource "configmaps" in API group "" in the namespace "${namespace}"`,
        ),
      );
      expect(await step({ resource: { flags: ['cm', 'kube-root-ca.crt'] }, account: '' })).toEqual(
        failed(
          `no more retries Error from server (Forbidden): configmaps "kube-root-ca.crt" is forbidden: ${user('default')} cannot get resource "configmaps" in API group "" in the namespace "${namespace}"`,
        ),
      );
      expect((await step({ resource: { flags: ['node', 'x'] } })).message).toContain('cannot get resource "nodes"');
      const elsewhere: Step = { resource: { action: 'create' }, manifest: configMap('x', {}, { namespace: 'kube-system' }) };
      expect((await step(elsewhere)).message).toContain('in the namespace "kube-system"');
    });

    it('needs no more than the right to create for that', async () => {
      expect((await step({ resource: { action: 'create' }, manifest: configMap('only'), account: 'creator' })).phase).toBe(
        'Succeeded',
      );
    });

    it('wants the account to be there, as a pod would', async () => {
      await expect(step({ resource: { flags: ['cm', 'x'] }, account: 'nobody' })).rejects.toThrow(
        `pods "own" is forbidden: error looking up service account ${namespace}/nobody: serviceaccounts "nobody" not found`,
      );
    });

    it('applies on the server: creates, changes, takes away what is no longer written, keeps what others wrote', async () => {
      const apply = (data: Record<string, string>, flags: string[] = []) =>
        step({ resource: { action: 'apply', flags }, manifest: configMap('applied', data) });
      await apply({ gone: '1', kept: '1' });
      await cluster.kubectl(['-n', namespace, 'patch', 'cm', 'applied', '--type=merge', '-p', '{"data":{"foreign":"x"}}']);
      expect((await apply({ kept: '2' })).phase).toBe('Succeeded');
      expect(said).toEqual(['configmap/applied serverside-applied']);
      expect((await read('cm', 'applied'))['data']).toEqual({ kept: '2', foreign: 'x' });
      // A field of another manager is taken as kubectl's own apply takes it, and not where the server is asked to mind.
      expect((await apply({ kept: '2', foreign: 'y' }, ['--server-side'])).message).toContain('Error from server (Conflict)');
      expect((await apply({ kept: '2', foreign: 'y' })).phase).toBe('Succeeded');
      expect((await read('cm', 'applied'))['data']).toEqual({ kept: '2', foreign: 'y' });
    });

    it('goes on with what kubectl has applied before', async () => {
      await cluster.kubectl(['-n', namespace, 'apply', '-f', '-'], JSON.stringify(configMap('before', { a: '1', b: '1' })));
      await step({ resource: { action: 'apply' }, manifest: configMap('before', { a: '2' }) });
      expect((await read('cm', 'before'))['data']).toEqual({ a: '2' });
    });

    it('replaces, and with --force deletes and creates', async () => {
      await step({ resource: { action: 'create' }, manifest: configMap('whole', { a: '1' }) });
      const uidOf = async () => ((await read('cm', 'whole'))['metadata'] as { uid: string }).uid;
      const uid = await uidOf();
      await step({ resource: { action: 'replace' }, manifest: configMap('whole', { b: '2' }) });
      expect(await read('cm', 'whole')).toMatchObject({ metadata: { uid }, data: { b: '2' } });
      await step({ resource: { action: 'replace', flags: ['--force'] }, manifest: configMap('whole', { c: '3' }) });
      expect((await read('cm', 'whole'))['data']).toEqual({ c: '3' });
      expect(await uidOf()).not.toBe(uid);
      expect((await step({ resource: { action: 'replace' }, manifest: configMap('never') })).message).toContain(
        'Error from server (NotFound): error when replacing "/tmp/manifest.yaml": configmaps "never" not found',
      );
    });

    it('patches by each strategy, by manifest and by flags, subresources too', async () => {
      await step({ resource: { action: 'create' }, manifest: deployment('patched') });
      const containers = async () =>
        ((await read('deploy', 'patched')) as { spec: { template: { spec: { containers: object[] } } } }).spec.template.spec
          .containers;
      const second = { spec: { template: { spec: { containers: [{ name: 'second', image: 'alpine' }] } } } };
      await step({ resource: { action: 'patch', flags: ['deploy', 'patched'] }, manifest: second });
      expect(await containers()).toMatchObject([{ name: 'second' }, { name: 'main' }]);
      await step({
        resource: { action: 'patch', mergeStrategy: 'merge', flags: ['deployments.apps/patched'] },
        manifest: second,
      });
      expect(await containers()).toMatchObject([{ name: 'second' }]);
      const operations = [
        { op: 'replace', path: '/spec/replicas', value: 0 },
        { op: 'add', path: '/metadata/labels', value: { x: 'y' } },
      ];
      await step({
        resource: { action: 'patch', mergeStrategy: 'json', flags: ['deployment', 'patched'] },
        manifest: operations,
      });
      expect(await read('deploy', 'patched')).toMatchObject({ metadata: { labels: { x: 'y' } } });
      const condition = { status: { conditions: [{ type: 'Progressing', status: 'True', reason: 'told', message: '' }] } };
      const flags = ['deploy', 'patched', '--subresource=status', '--type=merge'];
      expect((await step({ resource: { action: 'patch', flags }, manifest: condition })).phase).toBe('Succeeded');
    });

    it('deletes, waits until the object is gone, and minds nothing that is gone already', async () => {
      await step({ resource: { action: 'create' }, manifest: configMap('held', {}, { finalizers: ['example.com/held'] }) });
      const slow = await step({ resource: { action: 'delete', flags: ['--timeout=1s'] }, manifest: configMap('held') });
      expect(slow.message).toContain('timed out waiting for the condition on configmap/held');
      expect((await step({ resource: { action: 'delete', flags: ['cm', 'held', '--wait=false'] } })).phase).toBe('Succeeded');
      await cluster.kubectl(['-n', namespace, 'patch', 'cm', 'held', '--type=merge', '-p', '{"metadata":{"finalizers":null}}']);
      expect((await step({ resource: { action: 'delete' }, manifest: configMap('held') })).phase).toBe('Succeeded');
      for (const name of ['g1', 'g2'])
        await step({ resource: { action: 'create' }, manifest: configMap(name, {}, { labels: { group: 'g' } }) });
      await step({ resource: { action: 'delete', flags: ['configmaps', '-l', 'group=g'] } });
      expect(said).toEqual(['configmap "g1" deleted', 'configmap "g2" deleted']);
    });

    it('refuses fields that a kind does not have, unless it is told not to look', async () => {
      const odd = { ...deployment('odd'), spec: { ...deployment('odd').spec, odd: true } };
      expect((await step({ resource: { action: 'create' }, manifest: odd })).message).toMatch(
        /Error from server \(BadRequest\): error when creating "\/tmp\/manifest.yaml": .*strict decoding error: unknown field "spec.odd"/,
      );
      expect((await step({ resource: { action: 'create', flags: ['--validate=false'] }, manifest: odd })).phase).toBe(
        'Succeeded',
      );
      const invalid = deployment('invalid', { selector: { matchLabels: { app: 'other' } } });
      expect((await step({ resource: { action: 'create' }, manifest: invalid })).message).toMatch(
        /no more retries The Deployment "invalid" is invalid: spec\.template\.metadata\.labels/,
      );
    });

    it('waits for conditions and reads outputs', async () => {
      await step({ resource: { action: 'create' }, manifest: configMap('watched', { state: 'new' }) });
      const waiting = step({
        resource: { action: 'get', successCondition: 'data.state == done', failureCondition: 'data.state == bad' },
        manifest: configMap('watched'),
        outputs: [
          { name: 'path', valueFrom: { jsonPath: '{.data.state}' } },
          { name: 'jq', valueFrom: { jqFilter: '.metadata.name' } },
          { name: 'none', valueFrom: { jqFilter: '.data[', default: 'spare' } },
        ],
      });
      await eventually(() => said.some((line) => line.startsWith('waiting')), 'it waits');
      await cluster.kubectl(['-n', namespace, 'patch', 'cm', 'watched', '--type=merge', '-p', '{"data":{"state":"done"}}']);
      const values = (await waiting).outputs?.parameters?.map(({ name, value }) => [name, value]);
      expect(values).toEqual([['path', 'done'], ['jq', 'watched'], ['none', 'spare']]); // prettier-ignore
      await cluster.kubectl(['-n', namespace, 'patch', 'cm', 'watched', '--type=merge', '-p', '{"data":{"state":"bad"}}']);
      expect(await step({ resource: { failureCondition: 'data.state == bad' }, manifest: configMap('watched') })).toEqual(
        failed("failure condition '{data.state == [bad]}' evaluated true"),
      );
    });

    it('takes a manifest from an artifact, and gives what it makes an owner that Kubernetes collects by', async () => {
      const manifestFrom = { artifact: { name: 'in' } };
      expect((await step({ resource: { action: 'create', manifestFrom } })).phase).toBe('Succeeded');
      await step({ resource: { action: 'create', setOwnerReference: true }, manifest: configMap('owned') });
      expect((await read('cm', '--ignore-not-found', 'from-artifact'))['kind']).toBe('ConfigMap');
      // The workflow of this test is not there: its belongings go.
      await eventually(
        async () => (await cluster.kubectl(['-n', namespace, 'get', 'cm', 'owned', '--ignore-not-found', '-o', 'name'])) === '',
        'the owned object is collected',
      );
    });

    it('knows a kind that was defined a moment ago, of the cluster or of a namespace', async () => {
      const plural = `teapots${namespace.replace(/\W/g, '')}`;
      const kind = `Teapot${namespace.replace(/\W/g, '')}`;
      const teapot = { apiVersion: 'example.com/v1', kind, metadata: { name: 'one' }, spec: { full: true } };
      expect((await step({ resource: { action: 'create' }, manifest: teapot })).message).toContain(
        `no matches for kind "${kind}" in version "example.com/v1"`,
      );
      const definition = {
        apiVersion: 'apiextensions.k8s.io/v1',
        kind: 'CustomResourceDefinition',
        metadata: { name: `${plural}.example.com` },
        spec: {
          group: 'example.com',
          names: { kind, plural, singular: kind.toLowerCase() },
          scope: 'Namespaced',
          versions: [
            {
              name: 'v1',
              served: true,
              storage: true,
              schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
            },
          ],
        },
      };
      const definitions = { apiVersion: 'apiextensions.k8s.io/v1', plural: 'customresourcedefinitions' };
      await cluster.api.create(definitions, definition);
      try {
        await eventually(
          async () => (await step({ resource: { action: 'apply' }, manifest: teapot })).phase === 'Succeeded',
          'it can be applied',
        );
        expect((await step({ resource: { flags: [`${plural}.example.com`, 'one'] } })).phase).toBe('Succeeded');
        expect(
          (await step({ resource: { action: 'patch', mergeStrategy: 'strategic', flags: [plural, 'one'] }, manifest: {} }))
            .message,
        ).toContain('Error from server (UnsupportedMediaType)');
      } finally {
        await cluster.api.delete({ ...definitions, name: definition.metadata.name });
      }
    });

    it('changes its own pod, which is there for the step alone', async () => {
      const annotate = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'own', annotations: { seen: 'yes' } } };
      const outputs = [{ name: 'seen', valueFrom: { jsonPath: '{.metadata.annotations.seen}' } }];
      const ended = await step({
        resource: { action: 'patch', flags: ['pod', 'own'] },
        manifest: annotate,
        outputs,
        account: 'reader',
      });
      expect(ended.outputs?.parameters?.[0]?.value).toBe('yes');
    });
  },
);
