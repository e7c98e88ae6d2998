import { describe, expect, it } from 'vitest';

import type { ApiObject, KubernetesApi } from '#libs/kubernetes';
import type { PodManifest } from '#libs/pod-spec';

import { adoptPod, findPodOfNode, isPodOfNode } from './foreign-pods.js';

const identity = { workflowUid: 'w-1', nodeId: 'wf-7', incarnation: 1 };
const manifest = {
  metadata: { name: 'wf-say-7', namespace: 'lab' },
  spec: { containers: [{ name: 'main' }, { name: 'helper' }] },
  work: { workflowName: 'wf' },
} as unknown as PodManifest;

const pod = (metadata: object = {}): ApiObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name: 'wf-say-7',
    namespace: 'lab',
    uid: 'p-1',
    annotations: { 'workflows.argoproj.io/node-id': 'wf-7' },
    ownerReferences: [{ kind: 'Workflow', name: 'wf', uid: 'w-1' }],
    ...metadata,
  },
  spec: { containers: [{ name: 'wait' }, { name: 'main' }, { name: 'helper' }, { name: 'istio-proxy' }] },
  status: { phase: 'Running' },
});

/** An API server with these pods, which notes what is patched. */
const serverWith = (...pods: ApiObject[]) => {
  const patches: object[] = [];
  const api = {
    get: ({ name }: { name: string }) =>
      Promise.resolve(pods.find(({ metadata }) => metadata.name === name) ?? pod({ annotations: {} })),
    pages: async function* () {
      yield { items: pods };
    },
    patch: (_place: object, patch: { metadata: object }) => {
      patches.push(patch);
      const [found] = pods;
      return Promise.resolve({
        ...found,
        metadata: { ...found?.metadata, ...patch.metadata, annotations: { 'workflows.argoproj.io/node-id': 'wf-7' } },
      });
    },
  } as unknown as KubernetesApi;
  return { api, patches };
};

describe('a pod that somebody else has made', () => {
  it('is the node’s only where it names the node and belongs to this very workflow', () => {
    expect(isPodOfNode(pod(), identity)).toBe(true);
    expect(isPodOfNode(pod({ ownerReferences: [{ kind: 'Workflow', name: 'wf', uid: 'another' }] }), identity)).toBe(false);
    expect(isPodOfNode(pod({ annotations: { 'workflows.argoproj.io/node-id': 'wf-8' } }), identity)).toBe(false);
  });

  it('is marked as ours in one patch that names its UID, and ends with the containers that were ordered', async () => {
    const { api, patches } = serverWith(pod());
    expect((await adoptPod(api, pod(), { identity, manifest }))?.identity).toEqual(identity);
    expect(patches).toMatchObject([
      {
        metadata: {
          uid: 'p-1',
          labels: { 'argosy.dev/workflow-uid': 'w-1', 'argosy.dev/node': 'wf-7', 'argosy.dev/incarnation': '1' },
          annotations: { 'argosy.dev/outputs': 'task-result', 'argosy.dev/containers': 'wait,main,helper' },
          finalizers: ['workflows.argoproj.io/status'],
        },
      },
    ]);
  });

  it('is found under a name of another naming, and is not taken from another workflow', async () => {
    const other = pod({ name: 'wf-7', uid: 'p-2' });
    expect((await findPodOfNode(serverWith(other).api, { identity, manifest }))?.metadata.uid).toBe('p-2');
    const stranger = pod({ ownerReferences: [] });
    const { api, patches } = serverWith(stranger);
    expect(await findPodOfNode(api, { identity, manifest })).toBeUndefined();
    expect(await adoptPod(api, stranger, { identity, manifest })).toBeUndefined();
    expect(patches).toEqual([]);
  });
});
