import { describe, expect, it } from 'vitest';

import type { WorkflowRequest } from '#libs/engine';
import { runSimulated } from '#libs/testing';
import type { KubernetesObject, TypedObject, WorkflowSpec } from '#libs/workflow-spec';

import { podOrRefusal } from './pod-or-refusal.js';

const approved = (spec: WorkflowSpec): TypedObject & { spec: WorkflowSpec } => ({
  apiVersion: 'argoproj.io/v1alpha1',
  kind: 'WorkflowTemplate',
  metadata: { name: 'approved', namespace: 'argo' },
  spec,
});

const SAFE = { runAsNonRoot: true, allowPrivilegeEscalation: false };
const container = { image: 'sim', command: ['sim'], args: ['{{inputs.parameters.a}}'], securityContext: SAFE };
const MAIN: WorkflowSpec = {
  entrypoint: 'main',
  serviceAccountName: 'runner',
  arguments: { parameters: [{ name: 'a', value: 'result=1' }] },
  templates: [{ name: 'main', inputs: { parameters: [{ name: 'a', value: '{{workflow.parameters.a}}' }] }, container }],
};

interface Played {
  template?: WorkflowSpec;
  referencing?: 'Strict' | 'Secure';
  allowed?: string[];
  requests?: { atMs: number; request: WorkflowRequest }[];
  /** Whether the workflow names the approved template; it does unless told otherwise. */
  names?: boolean;
}

/** A workflow of somebody who may submit and nothing else, under restrictions: what the workflow comes to, and the pods that it gets. */
const submitted = (spec: WorkflowSpec, played: Played = {}) => {
  const { template = MAIN, referencing = 'Strict', allowed, requests, names = true } = played;
  const run = runSimulated(
    {
      apiVersion: 'argoproj.io/v1alpha1',
      kind: 'Workflow',
      metadata: { name: 'wf', namespace: 'argo', uid: 'uid-1' },
      spec: { ...(names ? { workflowTemplateRef: { name: 'approved' } } : {}), ...spec },
    },
    {
      others: [approved(template)],
      config: { templateReferencing: referencing, ...(allowed === undefined ? {} : { userOverrideAllowlist: allowed }) },
      ...(requests === undefined ? {} : { requests }),
    },
  );
  const pods = run.commands.flatMap((command) =>
    command.type === 'runPod'
      ? [
          podOrRefusal({
            order: command.order,
            workflow: { name: 'wf', namespace: 'argo', uid: 'uid-1' },
            archiveLogs: false,
          }),
        ]
      : [],
  );
  return { status: run.workflow.status, pods, specs: pods.map(({ spec }) => spec) };
};

const parameter = (value: string): WorkflowSpec => ({ arguments: { parameters: [{ name: 'a', value }] } });
const mainOf = (spec: KubernetesObject | undefined): KubernetesObject | undefined =>
  ((spec?.['containers'] ?? []) as KubernetesObject[]).find(({ name }) => name === 'main');

const PATCH = '{"containers":[{"name":"main","securityContext":{"privileged":true}}],"hostNetwork":true}';

describe('fields of a workflow that is restricted to templates', () => {
  it('runs what only names its template and gives arguments', () => {
    const { status, specs } = submitted(parameter('result=2'));
    expect(status?.phase).toBe('Succeeded');
    expect(specs[0]).toMatchObject({ serviceAccountName: 'runner', containers: [{ args: ['result=2'], securityContext: SAFE }] });
  });

  it.each<[string, WorkflowSpec]>([
    ['podSpecPatch, which went above the template (CVE-2026-31892)', { podSpecPatch: PATCH }],
    ['templates', { templates: [{ name: 'main', container: { image: 'evil' } }] }],
    ['templateDefaults', { templateDefaults: { container: { securityContext: { privileged: true } } } }],
    ['onExit', { onExit: 'main' }],
    ['hooks', { hooks: { exit: { template: 'main' } } }],
    ['serviceAccountName', { serviceAccountName: 'admin' }],
    ['executor', { executor: { serviceAccountName: 'admin' } }],
    ['automountServiceAccountToken', { automountServiceAccountToken: true }],
    ['podMetadata', { podMetadata: { annotations: { 'container.apparmor.security.beta.kubernetes.io/main': 'unconfined' } } }],
    ['securityContext', { securityContext: { runAsUser: 0 } }],
    ['hostNetwork', { hostNetwork: true }],
    ['hostAliases', { hostAliases: [{ ip: '10.0.0.1', hostnames: ['registry'] }] }],
    ['dnsPolicy', { dnsPolicy: 'ClusterFirstWithHostNet' }],
    ['dnsConfig', { dnsConfig: { nameservers: ['10.0.0.1'] } }],
    ['tolerations', { tolerations: [{ operator: 'Exists' }] }],
    ['nodeSelector', { nodeSelector: { 'kubernetes.io/hostname': 'control-plane' } }],
    ['affinity', { affinity: { nodeAffinity: {} } }],
    ['schedulerName', { schedulerName: 'mine' }],
    ['podPriorityClassName', { podPriorityClassName: 'system-node-critical' }],
    ['imagePullSecrets', { imagePullSecrets: [{ name: 'mine' }] }],
    ['volumes', { volumes: [{ name: 'root', hostPath: { path: '/' } }] }],
    ['volumeClaimTemplates', { volumeClaimTemplates: [{ metadata: { name: 'v' }, spec: {} }] }],
    ['artifactRepositoryRef', { artifactRepositoryRef: { configMap: 'mine' } }],
    ['executorPlugins', { executorPlugins: [] }],
    ['retryStrategy', { retryStrategy: { limit: 1000 } }],
    ['synchronization', { synchronization: { mutexes: [{ name: 'all' }] } }],
    ['parallelism', { parallelism: 1 }],
    ['podDisruptionBudget', { podDisruptionBudget: { minAvailable: 9999 } }],
    ['podResources', { podResources: { limits: { cpu: '64' } } }],
    ['resourceClaims', { resourceClaims: [{ name: 'gpu', resourceClaimName: 'gpu' }] }],
  ])('refuses %s', (name, spec) => {
    for (const referencing of ['Strict', 'Secure'] as const) {
      const { status, pods } = submitted({ ...parameter('result=1'), ...spec }, { referencing });
      const [field] = name.split(',');
      expect(status?.phase).toBe('Error');
      expect(status?.message).toContain(`fields ${field} must come from the WorkflowTemplate`);
      expect(pods).toEqual([]);
    }
  });

  it('refuses parts of artifactGC that shape pods, of the workflow', () => {
    for (const part of [{ podSpecPatch: PATCH }, { serviceAccountName: 'admin' }, { podMetadata: { labels: { a: 'b' } } }]) {
      const { status, pods } = submitted({ artifactGC: { strategy: 'OnWorkflowDeletion', ...part } });
      expect(status?.message).toContain(`fields artifactGC.${Object.keys(part)[0]} must come from the WorkflowTemplate`);
      expect(pods).toEqual([]);
    }
  });

  it('refuses an artifact argument that has a Secret or an identity of the namespace sent elsewhere', () => {
    const template: WorkflowSpec = {
      entrypoint: 'main',
      arguments: { artifacts: [{ name: 'in', raw: { data: 'x' } }] },
      templates: [{ name: 'main', inputs: { artifacts: [{ name: 'in', path: '/in' }] }, container: { image: 'sim' } }],
    };
    const taken = { endpoint: 'collector.example', bucket: 'b', key: 'k' };
    const selector = { name: 'database', key: 'password' };
    const given = (location: object): WorkflowSpec => ({ arguments: { artifacts: [{ name: 'in', ...location }] } });
    for (const [place, location] of [
      ['s3.accessKeySecret', { s3: { ...taken, accessKeySecret: selector } }],
      ['s3.useSDKCreds', { s3: { ...taken, useSDKCreds: true } }],
      ['http.auth.basicAuth.usernameSecret', { http: { url: 'http://x', auth: { basicAuth: { usernameSecret: selector } } } }],
      ['artifactGC.serviceAccountName', { raw: { data: 'x' }, artifactGC: { serviceAccountName: 'admin' } }],
    ] as const) {
      const { status, pods } = submitted(given(location), { template });
      expect(status?.message).toContain(`fields arguments.artifacts.in.${place} must come from the WorkflowTemplate`);
      expect(pods).toEqual([]);
    }
    expect(submitted(given({ raw: { data: 'y' } }), { template }).pods).toHaveLength(1);
    const open = submitted(given({ s3: { ...taken, accessKeySecret: selector } }), { template, allowed: ['arguments'] });
    expect(open.pods).toHaveLength(1);
  });
});

describe('values of a workflow that is restricted to templates', () => {
  const patched = (patch: string): WorkflowSpec => ({
    ...MAIN,
    templates: [{ ...MAIN.templates?.[0], podSpecPatch: patch }],
  });
  const LIMIT = '{"containers":[{"name":"main","resources":{"limits":{"memory":"{{inputs.parameters.a}}"}}}]}';
  const BREAKOUT = '1Gi"}},"securityContext":{"privileged":true},"env":[{"name":"X","value":"1"}],"x":{"y":{"z":"';

  it('fill in the values of the patch that the template has', () => {
    const { pods, specs } = submitted(parameter('1Gi'), { template: patched(LIMIT) });
    expect(pods[0]?.work.refusal).toBeUndefined();
    expect(mainOf(specs[0])).toMatchObject({ resources: { limits: { memory: '1Gi' } }, securityContext: SAFE });
  });

  it.each<[string, string, string]>([
    ['add fields to it', LIMIT, BREAKOUT],
    [
      'add fields to it in YAML',
      'containers:\n- name: main\n  tty: {{inputs.parameters.a}}\n',
      'true\n  securityContext: {privileged: true}',
    ],
    ['take its fields away', 'hostUsers: false\nsubdomain: {{inputs.parameters.a}}\nshareProcessNamespace: false\n', 'x\n---\n'],
    ['be the whole of it', '{{inputs.parameters.a}}', PATCH],
    ['be a part of it', '{"containers":[{"name":"main","securityContext":{{inputs.parameters.a}}}]}', '{"privileged":true}'],
    ['take a value away', 'securityContext:\n  runAsUser: {{inputs.parameters.a}}\n', 'null'],
    ['name its fields', 'nodeSelector:\n  "{{inputs.parameters.a}}": x\n', 'kubernetes.io/hostname'],
    ['put other values in', '{"schedulerName":"a","priorityClassName":"{{inputs.parameters.a}}"}', 'x","schedulerName":"mine'],
  ])('cannot %s', (_case, patch, value) => {
    const { pods } = submitted(parameter(value), { template: patched(patch) });
    expect(pods[0]?.work.refusal).toContain('parameters may fill in values');
    expect(pods[0]?.spec.containers).toEqual([]);
  });

  it('cannot add fields to the patch of the whole workflow', () => {
    const template = { ...MAIN, podSpecPatch: LIMIT.replace('inputs', 'workflow') };
    expect(submitted(parameter(BREAKOUT), { template }).pods[0]?.work.refusal).toContain('parameters may fill in values');
    expect(submitted(parameter('2Gi'), { template }).pods[0]?.work.refusal).toBeUndefined();
  });

  it('cannot add fields by way of a template inside of a retried step', () => {
    const [leaf] = patched(LIMIT).templates ?? [];
    const { inputs, ...inline } = leaf ?? {};
    const template: WorkflowSpec = {
      ...MAIN,
      templates: [
        {
          name: 'main',
          steps: [[{ name: 's', inline: { ...inline, inputs, retryStrategy: { limit: 1 } } } as never]],
        },
      ],
    };
    const { pods } = submitted(parameter(BREAKOUT), { template });
    expect(pods.length).toBeGreaterThan(0);
    expect(pods.every(({ work }) => work.refusal?.includes('parameters may fill in values') === true)).toBe(true);
    expect(submitted(parameter('1Gi'), { template }).pods[0]?.work.refusal).toBeUndefined();
  });

  it('cannot add fields by a retry with other parameters', () => {
    const { pods } = submitted(parameter('exit=1'), {
      template: patched(LIMIT),
      requests: [{ atMs: 60_000, request: { type: 'retry', parameters: [`a=${BREAKOUT}`] } }],
    });
    expect(pods).toHaveLength(2);
    expect(pods[0]?.work.refusal).toBeUndefined();
    expect(pods[1]?.work.refusal).toContain('parameters may fill in values');
  });

  it('are free in patches where the operator lets workflows bring their own', () => {
    const { specs } = submitted(parameter(BREAKOUT), { template: patched(LIMIT), allowed: ['podSpecPatch'] });
    expect(mainOf(specs[0])).toMatchObject({ securityContext: { privileged: true } });
  });

  it('cannot swallow what stands between two of them', () => {
    const template: WorkflowSpec = {
      ...MAIN,
      arguments: { parameters: [{ name: 'a' }, { name: 'b' }] },
      templates: [
        {
          name: 'main',
          inputs: {
            parameters: [
              { name: 'a', value: '{{workflow.parameters.a}}' },
              { name: 'b', value: '{{workflow.parameters.b}}' },
            ],
          },
          container: { ...container, env: [{ name: 'B', value: '{{inputs.parameters.b}}' }] },
        },
      ],
    };
    const spec: WorkflowSpec = {
      arguments: {
        parameters: [
          { name: 'a', value: "{{='" },
          { name: 'b', value: "'}}" },
        ],
      },
    };
    const { status, specs } = submitted(spec, { template });
    expect(status?.phase).toBe('Error');
    expect(specs.map(mainOf).filter((main) => main?.['securityContext'] === undefined)).toEqual([]);
  });
});

describe('the other ways in', () => {
  it('are no way around: a retry of what was refused is refused again', () => {
    const { status, pods } = submitted(MAIN, {
      names: false,
      requests: [{ atMs: 1_000, request: { type: 'retry' } }],
    });
    expect(status).toMatchObject({
      phase: 'Error',
      message: 'workflows must use workflowTemplateRef to be executed when the controller is in reference mode',
    });
    expect(pods).toEqual([]);
  });
});
