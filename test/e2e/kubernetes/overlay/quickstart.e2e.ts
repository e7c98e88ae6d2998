import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { eventually, kubernetesCluster, type TestCluster } from '#libs/testing';
import type { KubernetesObject, Workflow } from '#libs/workflow-spec';
import { NAMES_AT, ServiceNetwork } from './service-network.js';
import { putOverlayImages } from './stand-in-images.js';

const NAMESPACE = 'argosy';
const OVERLAY = fileURLToPath(new URL('../../../../k8s/overlays/quickstart', import.meta.url));
const READY_LIMIT_MS = 480_000;
const WORKFLOW_LIMIT_MS = 180_000;

const isWanted = process.env['ARGOSY_OVERLAY'] !== undefined;
const problem = isWanted ? undefined : 'skipped: minutes long; ARGOSY_OVERLAY=1 runs it';
const found = problem === undefined ? await kubernetesCluster({ nodes: true }) : { skipped: problem };
const missing = 'skipped' in found ? found.skipped : await putOverlayImages();

/** The overlay as it is, but for names that the test cluster cannot look up and for workflows of other tests. */
const adapted = (object: KubernetesObject): KubernetesObject => {
  const { kind, metadata } = object as { kind: string; metadata: { name: string } };
  if (kind === 'ConfigMap' && metadata.name === 'argosy')
    return { ...object, data: { ...(object['data'] as KubernetesObject), MANAGED_NAMESPACE: NAMESPACE } };
  if (kind !== 'Deployment' && kind !== 'StatefulSet') return object;
  const { template, ...spec } = object['spec'] as { template: { spec: KubernetesObject } };
  const dnsConfig = { nameservers: [NAMES_AT], searches: [`${NAMESPACE}.svc.cluster.local`, 'svc.cluster.local'] };
  return { ...object, spec: { ...spec, template: { ...template, spec: { ...template.spec, dnsPolicy: 'None', dnsConfig } } } };
};

const RESTRICTED = { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } };
const workflow = (server: string, objects: string) => ({
  apiVersion: 'argoproj.io/v1alpha1',
  kind: 'Workflow',
  metadata: { name: 'first' },
  spec: {
    entrypoint: 'all',
    serviceAccountName: 'steps',
    securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: 'RuntimeDefault' } },
    podSpecPatch: JSON.stringify({
      initContainers: [{ name: 'init', securityContext: RESTRICTED }],
      containers: ['main', 'wait'].map((name) => ({ name, securityContext: RESTRICTED })),
    }),
    hostAliases: [
      { ip: server, hostnames: ['argosy-server.argosy'] },
      { ip: objects, hostnames: ['objects'] },
    ],
    templates: [
      {
        name: 'all',
        steps: [
          [{ name: 'made', template: 'made' }],
          [
            {
              name: 'written',
              template: 'written',
              arguments: { parameters: [{ name: 'of', value: '{{steps.made.outputs.parameters.name}}' }] },
            },
          ],
          [
            {
              name: 'read',
              template: 'read',
              arguments: { artifacts: [{ name: 'file', from: '{{steps.written.outputs.artifacts.file}}' }] },
            },
          ],
        ],
      },
      {
        name: 'made',
        resource: {
          action: 'create',
          setOwnerReference: true,
          manifest: 'apiVersion: v1\nkind: ConfigMap\nmetadata: {generateName: made-}\n',
        },
        outputs: { parameters: [{ name: 'name', valueFrom: { jsonPath: '{.metadata.name}' } }] },
      },
      {
        name: 'written',
        inputs: { parameters: [{ name: 'of' }] },
        script: { image: 'busybox', command: ['sh'], source: 'echo "of {{inputs.parameters.of}}" > /tmp/file' },
        outputs: { artifacts: [{ name: 'file', path: '/tmp/file' }] },
      },
      {
        name: 'read',
        inputs: { artifacts: [{ name: 'file', path: '/tmp/in' }] },
        script: { image: 'busybox', command: ['sh'], source: 'cat /tmp/in' },
      },
    ],
  },
});

describe.skipIf(missing !== undefined)(`the quickstart as a whole ${missing === undefined ? '' : `(${missing})`}`, () => {
  const cluster = found as TestCluster;
  let network: ServiceNetwork;

  const kubectl = (...args: string[]): Promise<string> => cluster.kubectl(['--namespace', NAMESPACE, ...args]);
  const addressOf = (service: string): Promise<string> => kubectl('get', 'service', service, '-o', 'jsonpath={.spec.clusterIP}');
  const list = (objects: readonly object[]): string => JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects });
  const stepPods = (): Promise<string> => kubectl('get', 'pods', '-l', 'workflows.argoproj.io/workflow', '-o', 'name');

  beforeAll(async () => {
    network = new ServiceNetwork(cluster.api, NAMESPACE);
    await network.start();
    const rendered = await cluster.kubectl(['kustomize', OVERLAY]);
    const objects = parseAllDocuments(rendered).map((document) => adapted(document.toJS() as KubernetesObject));
    // Kinds first: the server does not know the others before.
    const isKind = ({ kind }: KubernetesObject): boolean => kind === 'CustomResourceDefinition' || kind === 'Namespace';
    for (const part of [objects.filter(isKind), objects.filter((object) => !isKind(object))])
      await cluster.kubectl(['apply', '--server-side', '--force-conflicts', '-f', '-'], list(part));
    await kubectl('wait', '--for=condition=Available', 'deployment', '--all', `--timeout=${READY_LIMIT_MS / 1000}s`);
    await kubectl('rollout', 'status', 'statefulset/argosy-pod-manager', `--timeout=${READY_LIMIT_MS / 1000}s`);
  }, 2 * READY_LIMIT_MS);
  afterAll(async () => {
    await cluster.kubectl(['delete', 'namespace', NAMESPACE, '--wait=false', '--ignore-not-found']);
    await cluster.kubectl(['delete', 'clusterrole,clusterrolebinding', '-l', 'app.kubernetes.io/part-of=argosy']);
    await network.stop();
    await cluster.release();
  }, 60_000);

  it('has one copy of each program, and none was started twice', async () => {
    const restarts =
      'jsonpath={range .items[*]}{.metadata.labels.app\\.kubernetes\\.io/name} {.status.containerStatuses[0].restartCount}{"\\n"}{end}';
    const lines = (await kubectl('get', 'pods', '-l', 'app.kubernetes.io/part-of=argosy', '-o', restarts))
      .trim()
      .split('\n')
      .sort();
    const programs = ['archiver', 'artifact-gc', 'offloader', 'pod-manager', 'scheduler', 'server'];
    expect(lines).toEqual(programs.map((name) => `${name} 0`));
  });

  it(
    'runs steps, resource templates with the rights of their account, and artifacts; logs are read through the server; all of it goes with the workflow',
    async () => {
      await kubectl('create', 'serviceaccount', 'steps');
      await kubectl('create', 'rolebinding', 'steps', '--clusterrole=edit', `--serviceaccount=${NAMESPACE}:steps`);
      const server = await addressOf('argosy-server');
      await cluster.kubectl(
        ['--namespace', NAMESPACE, 'apply', '-f', '-'],
        JSON.stringify(workflow(server, await addressOf('objects'))),
      );
      let ended: Workflow | undefined;
      await eventually(
        async () => {
          ended = JSON.parse(await kubectl('get', 'workflow', 'first', '-o', 'json')) as Workflow;
          return ended.status?.finishedAt !== undefined && ended.status.finishedAt !== null;
        },
        () => `the workflow ends: ${JSON.stringify(ended?.status)}`,
        WORKFLOW_LIMIT_MS,
      );
      expect(ended?.status).toMatchObject({ phase: 'Succeeded', progress: '3/3' });
      const logs = await fetch(`http://${server}:2746/api/v1/workflows/${NAMESPACE}/first/log?logOptions.container=main`, {
        headers: { authorization: 'Bearer quickstart' },
      });
      expect(await logs.text()).toMatch(/"content":"of made-/);
      await kubectl('delete', 'workflow', 'first', '--cascade=foreground', '--timeout=60s');
      await eventually(async () => (await stepPods()) === '', 'its pods are gone');
      expect(await kubectl('get', 'configmaps', '-o', 'name')).not.toContain('made-');
    },
    WORKFLOW_LIMIT_MS + 120_000,
  );
});
