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
  metadata: {
    name?: string;
    generateName?: string;
    namespace?: string;
    uid?: string;
    labels?: Record<string, string>;
    finalizers?: string[];
  };
  status?: { phase?: string; offloadNodeStatusVersion?: string; storedWorkflowTemplateSpec?: Record<string, unknown> };
  [field: string]: unknown;
}

/** Where an installation of Argo is read from. */
export interface MigrationSource {
  /** The controller's ConfigMap; undefined where there is none, or this source does not have it. */
  controllerConfig(): Promise<Record<string, string> | undefined>;
  /** `data` of a Secret beside the controller; undefined where there is none. Rejects where this reader may not see it. */
  secret(name: string): Promise<Record<string, string> | undefined>;
  /** How many objects of Argo Events there are, by kind; none of a kind that is not known. */
  eventObjects(): Promise<Record<string, number>>;
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
/** Argo Events': they share the group of the API, and are nobody's business here. */
const EVENT_PLURALS = { Sensor: 'sensors', EventSource: 'eventsources' } as const;

export interface ClusterInstall {
  /** One namespace, or all where absent. */
  namespace?: string | undefined;
  controllerNamespace: string;
  configMapName: string;
}

/** An installation on a cluster. A kind whose definition the cluster does not have has no objects. */
export const clusterSource = (api: Pick<KubernetesApi, 'get' | 'pages'>, install: ClusterInstall): MigrationSource => {
  const dataOf = async (plural: string, name: string): Promise<Record<string, string> | undefined> => {
    const found = await orNothing(api.get({ apiVersion: 'v1', plural, namespace: install.controllerNamespace, name }));
    return found === undefined ? undefined : ((found as { data?: Record<string, string> }).data ?? {});
  };
  const pagesOf = async function* (plural: string, isNamespaced: boolean): AsyncGenerator<readonly StoredObject[]> {
    const { namespace } = install;
    const address: CollectionAddress = {
      apiVersion: API_VERSION,
      plural,
      ...(isNamespaced && namespace !== undefined ? { namespace } : {}),
    };
    const pages = api.pages(address, { limit: PAGE })[Symbol.asyncIterator]();
    for (let page = await orNothing(pages.next()); page && !page.done; page = await pages.next()) yield page.value.items;
  };
  return {
    controllerConfig: () => dataOf('configmaps', install.configMapName),
    secret: (name) => dataOf('secrets', name),
    eventObjects: async () => {
      const counts: Record<string, number> = {};
      for (const [kind, plural] of Object.entries(EVENT_PLURALS))
        for await (const items of pagesOf(plural, true)) counts[kind] = (counts[kind] ?? 0) + items.length;
      return counts;
    },
    objects: async function* (kind) {
      for await (const items of pagesOf(PLURALS[kind], kind !== 'ClusterWorkflowTemplate')) yield* items;
    },
  };
};

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
    secret: (name) =>
      Promise.resolve(secretDataOf(objects.find(({ kind, metadata }) => kind === 'Secret' && metadata.name === name))),
    eventObjects: () =>
      Promise.resolve(
        Object.fromEntries(
          Object.keys(EVENT_PLURALS)
            .map((wanted) => [wanted, objects.filter(({ kind }) => kind === wanted).length] as const)
            .filter(([, count]) => count > 0),
        ),
      ),
    objects: (wanted) => objects.filter(({ kind }) => kind === wanted),
  };
};

/** People write `stringData`; Kubernetes keeps base64. */
const secretDataOf = (secret: StoredObject | undefined): Record<string, string> | undefined => {
  if (secret === undefined) return undefined;
  const { data = {}, stringData = {} } = secret as { data?: Record<string, string>; stringData?: Record<string, string> };
  const written = Object.entries(stringData).map(([key, text]) => [key, Buffer.from(text).toString('base64')] as const);
  return { ...data, ...Object.fromEntries(written) };
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
