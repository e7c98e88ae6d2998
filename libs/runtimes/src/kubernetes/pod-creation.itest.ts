import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { eventually, kubernetesCluster, quietLogger, removePods, simPod } from '#libs/testing';

import { KubernetesRuntime } from './kubernetes-runtime.js';

const QUOTAS = { apiVersion: 'v1', plural: 'resourcequotas' } as const;
const cluster = await kubernetesCluster({ nodes: false });

if ('skipped' in cluster) {
  describe('a pod that the API server does not take', () => {
    it.skip(cluster.skipped, () => undefined);
  });
} else {
  let namespace = '';
  beforeAll(async () => {
    namespace = await cluster.createNamespace('creation');
  });
  afterAll(async () => {
    await removePods(cluster, namespace);
    await cluster.release();
  });

  describe('a pod that the API server does not take', () => {
    const runtime = new KubernetesRuntime({
      api: cluster.api,
      executor: () => ({ container: { image: 'argosy' }, folder: '/argosy', mountsCredentials: false }),
      programOf: () => Promise.resolve(undefined),
      logger: quietLogger,
    });
    const create = (nodeId: string) => {
      const identity = { workflowUid: 'uid-1', nodeId, incarnation: 0 };
      const manifest = simPod([], identity);
      manifest.metadata.namespace = namespace;
      manifest.metadata.ownerReferences = [];
      return runtime.create(identity, manifest);
    };

    it('waits for a quota, which is said, and is made when there is room', async () => {
      const quota = { apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'none' }, spec: { hard: { pods: '0' } } };
      await cluster.api.create({ ...QUOTAS, namespace }, quota);
      const isTracked = async (): Promise<boolean> => {
        const { status } = await cluster.api.get<{ status?: { hard?: object } }>({ ...QUOTAS, namespace, name: 'none' });
        return status?.hard !== undefined;
      };
      await eventually(isTracked, 'the quota is in force');
      expect(await create('many')).toEqual({
        type: 'busy',
        message: expect.stringContaining('exceeded quota: none, requested: pods=1') as string,
        isQuota: true,
      });
      await cluster.api.delete({ ...QUOTAS, namespace, name: 'none' });
      await eventually(async () => (await create('many')).type === 'created', 'the pod is made');
    });

    it('is refused with the reason where nothing will change that', async () => {
      expect(await create('No-Name')).toEqual({
        type: 'refused',
        message: expect.stringContaining('metadata.name: Invalid value: "No-Name"') as string,
      });
    });
  });
}
