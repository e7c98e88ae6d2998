import type { Resource, ResourceStore } from '#libs/resources';
import { parseLabelSelector, type Store } from '#libs/store';
import { Kind, NotFoundError } from '#libs/workflow-spec';
import type { KeptObjects } from './object-access.js';
import { OBJECT_KINDS, type ObjectKind } from './object-kinds.js';

/** On objects that `setOwnerReference` has given to a workflow: its uid. By it they are found when the workflow is gone. */
export const OWNER_LABEL = 'argosy.dev/owner';

export interface OwnedObjectsParts {
  resources: Pick<ResourceStore, 'list'>;
  workflows: Pick<Store['workflows'], 'listPage' | 'getManyByUid'>;
  /** Undefined for objects that this host leaves to another. */
  accessTo: (kind: ObjectKind, object: Resource) => Pick<KeptObjects, 'delete'> | undefined;
}

interface Owned {
  kind: ObjectKind;
  object: Resource;
  owner: string;
}

const MAX_WORKFLOWS = 500;

/**
 * Deletes objects whose owner is gone, as Kubernetes' garbage collection does. Every pod-manager does it; what another has deleted is gone already. Gives the number of
 * objects deleted.
 */
export const collectOrphans = async (parts: OwnedObjectsParts): Promise<number> => {
  const owned = [...(await ownedObjects(parts)), ...(await ownedWorkflows(parts))];
  const owners = [...new Set(owned.map(({ owner }) => owner))];
  const living = new Set(
    (await parts.workflows.getManyByUid(owners)).filter(({ deletedAtMs }) => deletedAtMs === null).map(({ uid }) => uid),
  );
  let deleted = 0;
  for (const orphan of owned) if (!living.has(orphan.owner) && (await remove(orphan, parts))) deleted += 1;
  return deleted;
};

const ownedObjects = async ({ resources }: OwnedObjectsParts): Promise<Owned[]> => {
  const found: Owned[] = [];
  for (const kind of OBJECT_KINDS.filter((known) => known.kind !== Kind.Workflow)) {
    const { items } = await resources.list(kind.kind, '', { labelSelector: OWNER_LABEL });
    found.push(...items.map((object) => ({ kind, object, owner: object.metadata.labels?.[OWNER_LABEL] ?? '' })));
  }
  return found;
};

const ownedWorkflows = async ({ workflows }: OwnedObjectsParts): Promise<Owned[]> => {
  const kind = OBJECT_KINDS.find((known) => known.kind === Kind.Workflow);
  if (kind === undefined) return [];
  const { rows } = await workflows.listPage({ labels: parseLabelSelector(OWNER_LABEL), undeleted: true, limit: MAX_WORKFLOWS });
  return rows.map(({ namespace, name, uid, labels }) => ({
    kind,
    object: { apiVersion: kind.apiVersion, kind: kind.kind, metadata: { namespace, name, uid } },
    owner: labels[OWNER_LABEL] ?? '',
  }));
};

const remove = async ({ kind, object, owner }: Owned, parts: OwnedObjectsParts): Promise<boolean> => {
  const { namespace = '', name } = object.metadata;
  try {
    const access = parts.accessTo(kind, object);
    await access?.delete({ namespace, name }, `owner ${owner}`);
    return access !== undefined;
  } catch (error) {
    if (error instanceof NotFoundError) return false;
    throw error;
  }
};
