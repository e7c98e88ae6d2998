import type { TestCluster } from './kubernetes-cluster.js';

/** Deletes all pods of a namespace at once, also those whose end nobody records any more; a namespace can go only then. */
export async function removePods({ api }: Pick<TestCluster, 'api'>, namespace: string): Promise<void> {
  const pods = { apiVersion: 'v1', plural: 'pods', namespace };
  await api.deleteCollection(pods, { gracePeriodSeconds: 0 });
  const { items } = await api.list(pods);
  const held = items.filter(({ metadata }) => (metadata.finalizers ?? []).length > 0);
  await Promise.allSettled(
    held.map(({ metadata: { name } }) => api.patch({ ...pods, name }, { metadata: { finalizers: [] } }, { type: 'merge' })),
  );
}
