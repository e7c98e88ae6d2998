import type { CollectionAddress, KubernetesApi } from '#libs/kubernetes';
import { API_VERSION, NotFoundError } from '#libs/workflow-spec';
import type { ManifestDocument } from '../commands/manifests.js';

/** Kinds that an installation of Argo keeps, templates first: the others refer to them. */
export const MIGRATED_KINDS = [
  'WorkflowTemplate',
  'ClusterWorkflowTemplate',
  'CronWorkflow',
  'WorkflowEventBinding',
  'Workflow',
] as const;
export type MigratedKind = (typeof MIGRATED_KINDS)[number];

/** An object of Argo's as it is stored. */
export interface StoredObject {
  kind: string;
  metadata: { name?: string; generateName?: string; namespace?: string };
  [field: string]: unknown;
}

/** Where an installation of Argo is read from. */
export interface MigrationSource {
  /** The controller's ConfigMap; undefined where there is none, or this source does not have it. */
  controllerConfig(): Promise<Record<string, string> | undefined>;
  /** Every object of a kind, one after the other: an installation may have more than fit into memory. */
  objects(kind: MigratedKind): AsyncIterable<StoredObject> | Iterable<StoredObject>;
}

const PLURALS: Record<MigratedKind, string> = {
  WorkflowTemplate: 'workflowtemplates',
  ClusterWorkflowTemplate: 'clusterworkflowtemplates',
  CronWorkflow: 'cronworkflows',
  WorkflowEventBinding: 'workfloweventbindings',
  Workflow: 'workflows',
};
const PAGE = 100;

export interface ClusterInstall {
  /** One namespace, or all where absent. */
  namespace?: string | undefined;
  controllerNamespace: string;
  configMapName: string;
}

/** An installation on a cluster. A kind whose definition the cluster does not have has no objects. */
export const clusterSource = (api: Pick<KubernetesApi, 'get' | 'pages'>, install: ClusterInstall): MigrationSource => ({
  controllerConfig: async () => {
    const { controllerNamespace: namespace, configMapName: name } = install;
    const found = await orNothing(api.get({ apiVersion: 'v1', plural: 'configmaps', namespace, name }));
    return found === undefined ? undefined : ((found as { data?: Record<string, string> }).data ?? {});
  },
  objects: async function* (kind) {
    const isNamespaced = kind !== 'ClusterWorkflowTemplate' && install.namespace !== undefined;
    const address: CollectionAddress = {
      apiVersion: API_VERSION,
      plural: PLURALS[kind],
      ...(isNamespaced ? { namespace: install.namespace as string } : {}),
    };
    const pages = api.pages(address, { limit: PAGE })[Symbol.asyncIterator]();
    for (let page = await orNothing(pages.next()); page && !page.done; page = await pages.next())
      for (const item of page.value.items) yield item;
  },
});

/** What `kubectl get -o yaml` and people's own files have: objects, and lists of them. */
export const fileSource = (
  documents: readonly ManifestDocument[],
  { configMapName }: { configMapName: string },
): MigrationSource => {
  const objects = documents.flatMap(({ object }) => membersOf(object));
  return {
    controllerConfig: () => {
      const config = objects.find(({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === configMapName);
      return Promise.resolve(config && ((config['data'] as Record<string, string> | undefined) ?? {}));
    },
    objects: (wanted) => objects.filter(({ kind }) => kind === wanted),
  };
};

const membersOf = (object: ManifestDocument['object']): StoredObject[] => {
  const { kind = '', items } = object as { kind?: string; items?: unknown };
  if (!kind.endsWith('List') || !Array.isArray(items)) return [{ ...object, kind, metadata: object.metadata ?? {} }];
  const memberKind = kind.slice(0, -'List'.length);
  return items.flatMap((item: ManifestDocument['object']) => membersOf({ kind: memberKind, ...item }));
};

const orNothing = async <Found>(found: Promise<Found>): Promise<Found | undefined> => {
  try {
    return await found;
  } catch (error) {
    if (error instanceof NotFoundError) return undefined;
    throw error;
  }
};
