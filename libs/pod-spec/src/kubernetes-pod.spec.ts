import { describe, expect, it } from 'vitest';

import type { ContainerNode, KubernetesObject, Template } from '#libs/workflow-spec';

import { buildPod } from './build-pod.js';
import type { BuildPodInput } from './contract.js';
import { kubernetesPod } from './kubernetes-pod.js';

interface Container {
  name: string;
  volumeMounts: { name: string; mountPath: string }[];
  securityContext?: object;
  env?: { name: string; value?: string }[];
}

const buildInput = (template: Template): BuildPodInput => ({
  order: {
    ...{ nodeId: 'set', nodeName: 'set', incarnation: 1, podName: 'set', templateName: 'set', labels: {}, annotations: {} },
    ...{ captureResult: false, onExit: false },
    template,
  },
  workflow: { name: 'set', namespace: 'argo', uid: 'uid-1' },
  archiveLogs: false,
});

/** A container of the executor in the pod of this template, with these fields of the configuration. */
const executorOf = (name: 'init' | 'wait', template: Partial<Template>, configured: KubernetesObject = {}): Container => {
  const manifest = buildPod(
    buildInput({
      name: 'set',
      outputs: { parameters: [{ name: 'out', valueFrom: { path: '/data/out' } }] },
      volumes: ['one', 'two', 'work'].map((volume) => ({ name: volume, emptyDir: {} })),
      ...template,
    }),
  );
  const { spec } = kubernetesPod(manifest, { executor: () => ({ image: 'executor', ...configured }), programs: new Map() });
  const all = ['initContainers', 'containers'].flatMap((field) => spec[field] as unknown as Container[]);
  return all.find((container) => container.name === name) as Container;
};

/** Mounts of a container of the executor, by their path, in the pod of a set. */
const mountsOf = (executor: 'init' | 'wait', containers: ContainerNode[]): Record<string, string> => {
  const { volumeMounts } = executorOf(executor, {
    inputs: {
      artifacts: [
        { name: 'in', path: '/data/in', raw: { data: 'x' } },
        { name: 'deep', path: '/data/deep/in', raw: { data: 'x' } },
      ],
    },
    containerSet: { containers, volumeMounts: [{ name: 'work', mountPath: '/data' }] },
  });
  const mounts = Object.fromEntries(volumeMounts.map(({ name, mountPath }) => [mountPath, name]));
  // An API server takes no path twice.
  expect(volumeMounts).toHaveLength(Object.keys(mounts).length);
  return mounts;
};
const member = (name: string, volume?: string): ContainerNode => ({
  ...{ name, image: 'busybox', command: ['true'] },
  ...(volume === undefined ? {} : { volumeMounts: [{ name: volume, mountPath: '/own' }] }),
});

describe('the executor of a container set', () => {
  it('mounts a volume once that all members mount', () => {
    const members = [member('a'), member('b'), member('main')];
    expect(mountsOf('init', members)).toMatchObject({ '/mainctrfs/data': 'work' });
    expect(mountsOf('wait', members)).toMatchObject({ '/mainctrfs/data': 'work' });
  });

  it('puts an artifact into the innermost of the volumes around it', () => {
    const volumeMounts = [{ name: 'two', mountPath: '/data/deep' }];
    expect(mountsOf('init', [{ ...member('main'), volumeMounts }])).toMatchObject({ '/mainctrfs/data/deep': 'two' });
    expect(mountsOf('init', [member('main')])).not.toHaveProperty('/mainctrfs/data/deep');
  });

  it('mounts that of the container with the outputs where members have different volumes at one path', () => {
    expect(mountsOf('wait', [member('a', 'one'), member('main', 'two')])).toMatchObject({ '/mainctrfs/own': 'two' });
  });
});

describe('the executor of a pod whose users are not root', () => {
  const container = { image: 'busybox', command: ['true'] };
  const securityContext = { runAsNonRoot: true, runAsUser: 1000 };
  const confined = { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } };

  it('has what the standard restricted asks of every container', () => {
    for (const name of ['init', 'wait'] as const) {
      expect(executorOf(name, { container, securityContext }).securityContext).toEqual(confined);
      expect(executorOf(name, { container }).securityContext).toBeUndefined();
    }
  });

  it('has what the configuration or a patch says instead', () => {
    const own = { readOnlyRootFilesystem: true };
    expect(executorOf('wait', { container, securityContext }, { securityContext: own }).securityContext).toEqual(own);
    const podSpecPatch = JSON.stringify({ containers: [{ name: 'wait', securityContext: { runAsUser: 2000 } }] });
    expect(executorOf('wait', { container, securityContext, podSpecPatch }).securityContext).toEqual({ runAsUser: 2000 });
  });
});

describe('how often the executor looks for progress', () => {
  const VARIABLE = 'ARGO_PROGRESS_PATCH_TICK_DURATION';
  const env = (value: string) => ({ env: [{ name: VARIABLE, value }] });
  const secondsOf = (own: object = {}, configured: KubernetesObject = {}) => {
    const container = { image: 'busybox', command: ['sh', '-c', 'echo 1/2 > $ARGO_PROGRESS_FILE'], ...own };
    return executorOf('wait', { container }, configured).env?.find(({ name }) => name === 'ARGOSY_PROGRESS_SECONDS')?.value;
  };

  it('is a minute, or what the container or the installation says', () => {
    expect(secondsOf()).toBe('60');
    expect(secondsOf(env('1s'))).toBe('1');
    expect(secondsOf({}, env('5s'))).toBe('5');
    expect(secondsOf(env('soon'))).toBe('60');
  });

  it('stands in the container once', () => {
    const { spec } = buildPod(buildInput({ name: 'set', container: { image: 'busybox', command: ['true'], ...env('1s') } }));
    const main = (spec['containers'] as unknown as Required<Container>[]).find(({ name }) => name === 'main');
    expect(main?.env.filter(({ name }) => name === VARIABLE)).toEqual([{ name: VARIABLE, value: '1s' }]);
  });
});
