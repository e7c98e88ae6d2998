import { describe, expect, it } from 'vitest';

import type { ContainerNode } from '#libs/workflow-spec';

import { buildPod } from './build-pod.js';
import { kubernetesPod } from './kubernetes-pod.js';

interface Container {
  name: string;
  volumeMounts: { name: string; mountPath: string }[];
}

/** Mounts of a container of the executor, by their path, in the pod of a set. */
const mountsOf = (executor: 'init' | 'wait', containers: ContainerNode[]): Record<string, string> => {
  const volumes = ['one', 'two', 'work'].map((name) => ({ name, emptyDir: {} }));
  const manifest = buildPod({
    order: {
      ...{ nodeId: 'set', nodeName: 'set', incarnation: 1, podName: 'set', templateName: 'set', labels: {}, annotations: {} },
      ...{ captureResult: false, onExit: false },
      template: {
        name: 'set',
        inputs: {
          artifacts: [
            { name: 'in', path: '/work/in', raw: { data: 'x' } },
            { name: 'deep', path: '/work/deep/in', raw: { data: 'x' } },
          ],
        },
        outputs: { parameters: [{ name: 'out', valueFrom: { path: '/work/out' } }] },
        containerSet: { containers, volumeMounts: [{ name: 'work', mountPath: '/work' }] },
        volumes,
      },
    },
    workflow: { name: 'set', namespace: 'argo', uid: 'uid-1' },
    archiveLogs: false,
  });
  const { spec } = kubernetesPod(manifest, { executor: () => ({ image: 'executor' }), programs: new Map() });
  const all = [...(spec['initContainers'] as Container[]), ...(spec['containers'] as Container[])];
  const { volumeMounts } = all.find(({ name }) => name === executor) as Container;
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
    expect(mountsOf('init', members)).toMatchObject({ '/mainctrfs/work': 'work' });
    expect(mountsOf('wait', members)).toMatchObject({ '/mainctrfs/work': 'work' });
  });

  it('puts an artifact into the innermost of the volumes around it', () => {
    const volumeMounts = [{ name: 'two', mountPath: '/work/deep' }];
    expect(mountsOf('init', [{ ...member('main'), volumeMounts }])).toMatchObject({ '/mainctrfs/work/deep': 'two' });
    expect(mountsOf('init', [member('main')])).not.toHaveProperty('/mainctrfs/work/deep');
  });

  it('mounts that of the container with the outputs where members have different volumes at one path', () => {
    expect(mountsOf('wait', [member('a', 'one'), member('main', 'two')])).toMatchObject({ '/mainctrfs/own': 'two' });
  });
});
