import { describe, expect, it } from 'vitest';

import type { Template } from '#libs/workflow-spec';

import { buildPod } from './build-pod.js';
import type { BuildPodInput } from './contract.js';
import { identityFromMetadata } from './identity.js';

const input = (template: Partial<Template>, order: Partial<BuildPodInput['order']> = {}): BuildPodInput => ({
  order: {
    nodeId: 'steps-1',
    nodeName: 'steps[0].a',
    incarnation: 2,
    podName: 'steps-print-1',
    templateName: 'print',
    template: { name: 'print', container: { image: 'busybox', command: ['echo'], args: ['hello'] }, ...template },
    captureResult: false,
    onExit: false,
    labels: { team: 'a' },
    annotations: {},
    ...order,
  },
  workflow: { name: 'steps', namespace: 'argo', uid: 'uid-1' },
  archiveLogs: false,
});

describe('the pod of a node', () => {
  it('carries the labels and annotations of Argo and our identity', () => {
    const { metadata } = buildPod(input({ metadata: { labels: { tier: 'b' } } }));
    expect(metadata.name).toBe('steps-print-1');
    expect(metadata.labels).toMatchObject({
      team: 'a',
      tier: 'b',
      'workflows.argoproj.io/workflow': 'steps',
      'workflows.argoproj.io/completed': 'false',
    });
    expect(metadata.annotations).toEqual({
      'kubectl.kubernetes.io/default-container': 'main',
      'workflows.argoproj.io/node-id': 'steps-1',
      'workflows.argoproj.io/node-name': 'steps[0].a',
    });
    expect(identityFromMetadata(metadata)).toEqual({ workflowUid: 'uid-1', nodeId: 'steps-1', incarnation: 2 });
  });

  it('has main alone where nothing is staged or captured, and is small', () => {
    const pod = buildPod(input({}));
    expect(pod.spec.initContainers).toBeUndefined();
    expect((pod.spec.containers as { name: string }[]).map(({ name }) => name)).toEqual(['main']);
    expect(JSON.stringify(pod).length).toBeLessThan(2_000);
  });

  it.each<[string, Partial<Template>]>([
    ['names its variable', { container: { image: 'alpine', args: ['echo 1/2 > $ARGO_PROGRESS_FILE'] } }],
    ['names its file', { container: { image: 'alpine', args: ['echo 1/2 > /var/run/argo/progress'] } }],
    ['says where it begins', { metadata: { annotations: { 'workflows.argoproj.io/progress': '0/9' } } }],
  ])('has wait where the template tells its progress: it %s', (_, template) => {
    const { containers } = buildPod(input(template)).spec as { containers: { name: string }[] };
    expect(containers.map(({ name }) => name)).toEqual(['wait', 'main']);
  });

  it('has init and wait where there is work for them', () => {
    const pod = buildPod(
      input({
        inputs: { artifacts: [{ name: 'in', path: '/tmp/in' }] },
        outputs: { parameters: [{ name: 'out', valueFrom: { path: '/tmp/out' } }] },
      }),
    );
    expect((pod.spec.initContainers as { name: string }[]).map(({ name }) => name)).toEqual(['init']);
    expect((pod.spec.containers as { name: string }[]).map(({ name }) => name)).toEqual(['wait', 'main']);
  });

  it('gives a script its file as the last argument and keeps the source out of the spec', () => {
    const pod = buildPod(
      input(
        {},
        { template: { name: 'print', script: { image: 'python', command: ['python'], args: ['-u'], source: 'print(1)' } } },
      ),
    );
    const [main] = pod.spec.containers as { args: string[]; source?: string }[];
    expect(main?.args).toEqual(['-u', '/argo/staging/script']);
    expect(JSON.stringify(pod.spec)).not.toContain('print(1)');
    expect(pod.work.scriptSource).toBe('print(1)');
  });

  it('puts the variables of Argo behind those of the user', () => {
    const container = { image: 'busybox', command: ['env'], env: [{ name: 'MINE', value: '1' }] };
    const pod = buildPod(input({ container }, { captureResult: true, deadlineMs: Date.UTC(2026, 0, 2, 3, 4, 5) }));
    const main = (pod.spec.containers as { name: string; env: { name: string; value: string }[] }[]).find(
      ({ name }) => name === 'main',
    );
    expect(main?.env[0]).toEqual({ name: 'MINE', value: '1' });
    expect(Object.fromEntries(main?.env.map(({ name, value }) => [name, value]) ?? [])).toMatchObject({
      ARGO_NODE_ID: 'steps-1',
      ARGO_INCLUDE_SCRIPT_OUTPUT: 'true',
      ARGO_DEADLINE: '2026-01-02T03:04:05Z',
      ARGO_WORKFLOW_NAME: 'steps',
    });
  });

  it('refuses a template that is no container and no script', () => {
    expect(() => buildPod(input({ container: undefined } as unknown as Partial<Template>))).toThrow(
      'only container, script and containerSet templates',
    );
  });

  it('finds no identity in the pod of a stranger', () => {
    expect(identityFromMetadata({ labels: { 'workflows.argoproj.io/workflow': 'steps' } })).toBeNull();
  });
});
