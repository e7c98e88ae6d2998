import { afterAll, beforeAll, describe } from 'vitest';
import { applyCustomResources, kubernetesCluster, resourceStoreContract, type TestCluster } from '#libs/testing';
import { KubernetesResourceStore, type Resource, type ResourceKey, type ResourceStore } from '../index.js';

const found = await kubernetesCluster({ nodes: false });

/** The contract's namespaces under names of their own on a cluster that others use; what is elsewhere is not there. */
const inOwnNamespaces = (store: ResourceStore, real: Map<string, string>): ResourceStore => {
  const shown = new Map([...real].map(([name, place]) => [place, name]));
  const there = (namespace: string): string => real.get(namespace) ?? namespace;
  const moved = (resource: Resource, names: Map<string, string>): Resource => {
    const { namespace } = resource.metadata;
    const place = namespace === undefined ? undefined : names.get(namespace);
    return place === undefined ? resource : { ...resource, metadata: { ...resource.metadata, namespace: place } };
  };
  const out = (resource: Resource): Resource => moved(resource, shown);
  const isOurs = ({ metadata }: Resource): boolean => shown.has(metadata.namespace ?? '');
  const keyed = (key: ResourceKey): ResourceKey => ({ ...key, namespace: there(key.namespace) });
  return {
    get: async (key) => out(await store.get(keyed(key))),
    list: async (kind, namespace, options) => {
      const page = await store.list(kind, there(namespace), options);
      return { ...page, items: page.items.filter(isOurs).map(out) };
    },
    create: async (resource) => out(await store.create(moved(resource, real))),
    update: async (resource) => out(await store.update(moved(resource, real))),
    delete: (key) => store.delete(keyed(key)),
    watch: async function* (kind, namespace, options) {
      for await (const event of store.watch(kind, there(namespace), options)) {
        if (isOurs(event.object)) yield { ...event, object: out(event.object) };
      }
    },
  };
};

describe.skipIf('skipped' in found)(`on a real API server ${'skipped' in found ? `(${found.skipped})` : ''}`, () => {
  const cluster = found as TestCluster;
  const places = new Map<string, string>();

  beforeAll(async () => {
    await applyCustomResources(cluster);
    // In the order of the names that the contract has for them, as lists are ordered.
    places.set('lab', await cluster.createNamespace('store-lab'));
    places.set('other', await cluster.createNamespace('store-other'));
  });
  afterAll(() => cluster.release());

  resourceStoreContract('Kubernetes', async () => {
    const { api } = cluster;
    const own = ['workflowtemplates', 'cronworkflows'].map((plural) => ({ apiVersion: 'argoproj.io/v1alpha1', plural }));
    for (const namespace of places.values()) {
      for (const kind of [...own, { apiVersion: 'v1', plural: 'secrets' }]) await api.deleteCollection({ ...kind, namespace });
    }
    return inOwnNamespaces(new KubernetesResourceStore({ api }), places);
  });
});
