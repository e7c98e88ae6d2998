import type { Resource } from '#libs/resources';
import { API_VERSION, Kind, NotFoundError, type JsonValue } from '#libs/workflow-spec';
import { asKubectlError, KubectlError } from './kubectl-error.js';
import { at } from './manifest.js';
import type { KeptObjects, ObjectAccess, ObjectPlace, Writing } from './object-access.js';
import { resourceName, type ObjectKind } from './object-kinds.js';
import { OWNER_LABEL } from './owned-objects.js';
import { mergePatch, patchBetween, patched } from './patches.js';

/** How `apply` remembers what was asked for, to know what to take away; kubectl's own annotation. */
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/** Objects that are kept here: what an API server would do with patches and appliances is done here, on the object as it was read. */
export class KeptAccess implements ObjectAccess {
  constructor(
    private readonly objects: KeptObjects,
    private readonly kind: ObjectKind,
  ) {}

  get(place: ObjectPlace): Promise<Resource> {
    return this.objects.get(place);
  }

  list(namespace: string, selector: string): Promise<Resource[]> {
    return this.objects.list(namespace, selector);
  }

  async create(object: Resource, { author }: Writing): Promise<void> {
    await this.objects.create(withOwnerLabel(object), author);
  }

  async replace(object: Resource, writing: Writing): Promise<void> {
    const place = placeOf(object);
    await this.store(place, withOwnerLabel(object), { before: await this.objects.get(place), writing });
  }

  async apply(object: Resource, writing: Writing): Promise<string> {
    const place = placeOf(object);
    const asked = object as unknown as { [key: string]: JsonValue };
    const annotations = { ...object.metadata.annotations, [LAST_APPLIED]: JSON.stringify(asked) };
    const isMarked = this.kind.kind !== 'Workflow';
    const marked = withOwnerLabel(isMarked ? { ...object, metadata: { ...object.metadata, annotations } } : object);
    const before = await this.find(place);
    if (before === undefined) {
      await this.objects.create(marked, writing.author).catch(told(at('creating')));
      return 'created';
    }
    const last = JSON.parse(before.metadata.annotations?.[LAST_APPLIED] ?? '{}') as JsonValue;
    const merged = mergePatch(before as unknown as JsonValue, patchBetween(last, marked as unknown as typeof asked));
    await this.store(place, merged as unknown as Resource, { before, writing, doing: at('applying patch') });
    return 'configured';
  }

  async patch(place: ObjectPlace, patch: JsonValue, { strategy, ...writing }: Writing & { strategy: string }): Promise<void> {
    const before = await this.objects.get(place);
    await this.store(place, patched(this.kind, before, patch, strategy), { before, writing });
  }

  delete(place: ObjectPlace, { author }: Writing): Promise<void> {
    return this.objects.delete(place, author);
  }

  private async find(place: ObjectPlace): Promise<Resource | undefined> {
    try {
      return await this.objects.get(place);
    } catch (error) {
      if (error instanceof NotFoundError) return undefined;
      throw error;
    }
  }

  private async store(
    place: ObjectPlace,
    object: Resource,
    { before, writing, doing = '' }: { before: Resource; writing: Writing; doing?: string },
  ): Promise<void> {
    if (object.kind !== this.kind.kind || object.metadata.name !== place.name) {
      throw new KubectlError(
        `Error from server (BadRequest): ${doing}kind and name of ${resourceName(this.kind)} ${JSON.stringify(place.name)} cannot be changed`,
      );
    }
    await this.objects.replace(object, before, writing.author).catch(told(doing));
  }
}

const told =
  (doing: string) =>
  (error: unknown): never => {
    throw asKubectlError(error, doing);
  };

const placeOf = ({ metadata: { namespace = '', name } }: Resource): ObjectPlace => ({ namespace, name });

/** What belongs to a workflow is found by this label when that is gone. */
const withOwnerLabel = (object: Resource): Resource => {
  const owner = object.metadata.ownerReferences?.find(
    (reference) => reference['apiVersion'] === API_VERSION && reference['kind'] === Kind.Workflow,
  );
  if (typeof owner?.['uid'] !== 'string') return object;
  return { ...object, metadata: { ...object.metadata, labels: { ...object.metadata.labels, [OWNER_LABEL]: owner['uid'] } } };
};
