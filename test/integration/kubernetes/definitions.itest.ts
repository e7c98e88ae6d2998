import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, kubernetesCluster, type TestCluster } from '#libs/testing';
import { customResourceDefinitions } from '#libs/workflow-spec';

const found = await kubernetesCluster({ nodes: false });

/** A group of our own: a cluster that others use may have other definitions. */
const GROUP = `explained-${randomBytes(4).toString('hex')}.argosy.dev`;
const API_VERSION = `${GROUP}/v1alpha1`;
const definitions = customResourceDefinitions().map((definition) => {
  const { plural } = definition.spec['names'] as unknown as { plural: string };
  // Short names are one for all groups.
  const names = { ...(definition.spec['names'] as unknown as object), shortNames: [] };
  return { ...definition, metadata: { name: `${plural}.${GROUP}` }, spec: { ...definition.spec, group: GROUP, names } };
});

/** What the definitions have to leave as it is. */
const SPEC = {
  entrypoint: 'main',
  arguments: {
    parameters: [
      { name: 'number', value: 3 },
      { name: 'list', value: [1, { a: true }] },
    ],
  },
  podSpecPatch: '{"containers":[{"name":"main","resources":{"limits":{"memory":"{{workflow.parameters.number}}Mi"}}}]}',
  affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchFields: [] }] } } },
  dnsConfig: { options: [{ name: 'ndots', value: '1' }] },
  templateDefaults: { container: { image: 'alpine:3' }, retryStrategy: { limit: '{{workflow.parameters.number}}' } },
  volumeClaimTemplates: [{ metadata: { name: 'work' }, spec: { resources: { requests: { storage: '1Gi' } } } }],
  templates: [
    {
      name: 'main',
      dag: {
        tasks: [
          { name: 'a', template: 'whale', withParam: '[{"a":{"b":[1,null]}}]' },
          {
            name: 'b',
            template: 'whale',
            withItems: [{ deep: { list: [1, 'two', { three: null }] } }, 4, 'five', true],
            depends: 'a',
          },
          { name: 'c', inline: { container: { image: 'alpine:3', readinessProbe: { grpc: { port: 1 } } } }, depends: 'b' },
        ],
      },
    },
    {
      name: 'whale',
      container: {
        image: 'alpine:3',
        livenessProbe: { httpGet: { path: '/', port: 'http', httpHeaders: [{ name: 'A', value: 'b' }] }, periodSeconds: 3 },
        lifecycle: { preStop: { sleep: { seconds: 1 } } },
        securityContext: { seccompProfile: { type: 'RuntimeDefault' }, windowsOptions: { hostProcess: false } },
        env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }],
        resizePolicy: [{ resourceName: 'cpu', restartPolicy: 'NotRequired' }],
      },
      sidecars: [{ name: 'beside', image: 'alpine:3', mirrorVolumeMounts: true, startupProbe: { exec: { command: ['true'] } } }],
      volumes: [{ name: 'in-one', projected: { sources: [{ serviceAccountToken: { path: 'token' } }] } }],
      tolerations: [{ key: 'a', operator: 'Exists', tolerationSeconds: 5 }],
    },
    { name: 'set', containerSet: { containers: [{ name: 'main', image: 'alpine:3', dependencies: ['b'], volumeDevices: [] }] } },
    { name: 'ask', http: { url: 'http://a', headers: [{ name: 'A', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } }] } },
    { name: 'ours', plugin: { 'some-plugin': { any: { thing: [1, { at: 'all' }] } } } },
    { name: 'make', resource: { action: 'create', manifest: 'kind: Anything\nspec: {a: [1]}\n', flags: ['--validate=false'] } },
  ],
};

describe.skipIf('skipped' in found)(
  `our definitions on a real API server ${'skipped' in found ? `(${found.skipped})` : ''}`,
  () => {
    const cluster = found as TestCluster;
    let namespace = '';
    const explain = (what: string): Promise<string> => cluster.kubectl(['explain', what, `--api-version=${API_VERSION}`]);

    beforeAll(async () => {
      namespace = await cluster.createNamespace('definitions');
      await cluster.kubectl(['create', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items: definitions }));
      const names = definitions.map(({ metadata }) => metadata.name);
      await cluster.kubectl(['wait', '--for=condition=Established', '--timeout=60s', 'crd', ...names]);
      const isExplained = (): Promise<boolean> =>
        explain('workflows.spec')
          .then(() => true)
          .catch(() => false);
      await eventually(isExplained, 'the server explains them');
    });
    afterAll(async () => {
      await cluster.kubectl(['delete', 'crd', '--wait=false', ...definitions.map(({ metadata }) => metadata.name)]);
      await cluster.release();
    });

    it.each(customResourceDefinitions().map(({ spec }) => (spec['names'] as unknown as { kind: string; plural: string }).plural))(
      'explains %s with words of ours',
      async (plural) => {
        const text = await explain(plural);
        expect(text).toMatch(/DESCRIPTION:\n\s+(?:Cluster|Cron)?Workflow\w* (?:is|makes|holds) /);
        expect(text).not.toContain('<empty>');
      },
    );

    it.each([
      ['workflows.spec', /What is to be done/],
      ['workflows.spec.templates', /The parts of the workflow[\s\S]*container\s+<Object>\s+Runs one container/],
      ['workflows.spec.templates.dag.tasks', /What runs;[\s\S]*depends\s+<string>\s+Expression over the ends/],
      ['workflowtemplates.spec', /what they say themselves goes before/],
      ['clusterworkflowtemplates.spec.entrypoint', /the template that the workflow begins with/],
      ['cronworkflows.spec', /schedules\s+<\[\]string>\s+When: cron expressions/],
      ['workfloweventbindings.spec.event.selector', /Expression over payload/],
    ])('explains %s', async (field, words) => {
      expect((await explain(field)).replaceAll(/\n {4}(?! )/g, ' ')).toMatch(words);
    });

    it('leave every field of a workflow as it was written, those of pods and of plugins included', async () => {
      const kinds: [string, string, object][] = [
        ['Workflow', 'workflows', SPEC],
        ['WorkflowTemplate', 'workflowtemplates', SPEC],
        ['CronWorkflow', 'cronworkflows', { schedules: ['* * * * *'], workflowSpec: SPEC }],
      ];
      for (const [kind, plural, spec] of kinds) {
        const object = { apiVersion: API_VERSION, kind, metadata: { name: 'unusual', namespace }, spec };
        const stored = await cluster.kubectl(['create', '--validate=strict', '-o', 'json', '-f', '-'], JSON.stringify(object));
        expect((JSON.parse(stored) as { spec: object }).spec, plural).toEqual(spec);
      }
    });

    it('refuse a field that nobody knows where kubectl checks, and drop it where it does not', async () => {
      const object = {
        apiVersion: API_VERSION,
        kind: 'Workflow',
        metadata: { name: 'misspelt', namespace },
        spec: { entrypoint: 'main', entryPoint: 'other' },
      };
      const create = (validate: string) =>
        cluster.kubectl(['create', `--validate=${validate}`, '-o', 'json', '-f', '-'], JSON.stringify(object));
      await expect(create('strict')).rejects.toThrow(/unknown field "spec.entryPoint"/);
      expect((JSON.parse(await create('ignore')) as { spec: object }).spec).toEqual({ entrypoint: 'main' });
    });
  },
);
