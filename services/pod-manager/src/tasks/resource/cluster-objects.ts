import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type ApiObject,
  type CollectionAddress,
  type KubernetesApi,
  KubernetesConflictError,
  KubernetesExistsError,
  KubernetesForbiddenError,
  KubernetesNotFoundError,
  type ObjectAddress,
  type PatchType,
  type WriteOptions,
} from '#libs/kubernetes';
import type { Resource } from '#libs/resources';
import type { JsonValue } from '#libs/workflow-spec';
import { asServerSideApplied } from './applied-fields.js';
import { KubectlError } from './kubectl-error.js';
import type { ObjectAccess, ObjectPlace, Writing } from './object-access.js';
import { objectLabel, type ObjectKind } from './object-kinds.js';

/** As kubectl names itself: the server then takes over what kubectl has applied on its own side. */
const FIELD_MANAGER = 'kubectl';
const STRATEGIES: ReadonlySet<string> = new Set<PatchType>(['json', 'merge', 'strategic']);
const WRITE_ATTEMPTS = 5;
const FIRST_LOOK_MS = 50;
const LONGEST_PAUSE_MS = 1_000;

/**
 * Objects of one kind on the API server, with the rights of whoever `api` acts as. What a task has created it knows again by the field manager of the
 * creation, which the server keeps: neither label nor annotation is added to the user's object.
 */
export class ClusterObjects implements ObjectAccess {
  constructor(
    private readonly api: KubernetesApi,
    private readonly kind: ObjectKind,
  ) {}

  async get(place: ObjectPlace): Promise<Resource> {
    return withoutManagedFields(await this.api.get<ApiObject>(this.address(place)));
  }

  async list(namespace: string, selector: string): Promise<Resource[]> {
    const found: Resource[] = [];
    const options = selector === '' ? {} : { labelSelector: selector };
    for await (const { items } of this.api.pages(this.collection(namespace), options)) found.push(...items);
    return found;
  }

  async create(object: Resource, writing: Writing): Promise<void> {
    const { namespace = '', name } = object.metadata;
    const manager = creatorOf(writing.author);
    try {
      await this.api.create(this.collection(namespace), object, { ...optionsOf(writing), fieldManager: manager });
    } catch (error) {
      if (!(error instanceof KubernetesExistsError)) throw error;
      // Made before a crash of this program: it is the one.
      const isOurs = await this.wasMadeBy(manager, { namespace, name });
      if (!isOurs) throw error;
    }
  }

  /** A version that the manifest names has to be the stored one; otherwise changes in between are gone over, as by kubectl. */
  async replace(object: Resource, writing: Writing): Promise<void> {
    const place = placeOf(object);
    const address = this.address(place, writing);
    for (let attempt = 1; ; attempt += 1) {
      const { resourceVersion } = object.metadata.resourceVersion ? object.metadata : await this.metadata(place);
      const metadata = { ...object.metadata, ...(resourceVersion === undefined ? {} : { resourceVersion }) };
      try {
        await this.api.update(address, { ...object, metadata }, optionsOf(writing));
        return;
      } catch (error) {
        const isGivenUp = object.metadata.resourceVersion !== undefined || attempt === WRITE_ATTEMPTS;
        if (!(error instanceof KubernetesConflictError) || isGivenUp) throw error;
      }
    }
  }

  async apply(object: Resource, writing: Writing): Promise<string> {
    const { fieldManager = FIELD_MANAGER } = writing.flags;
    if (fieldManager === FIELD_MANAGER) await this.takeOver(placeOf(object));
    const options = { ...optionsOf(writing), type: 'apply', force: writing.flags.takesFields } as const;
    await this.api.patch(this.address(placeOf(object), writing), object, options);
    return 'serverside-applied';
  }

  async patch(place: ObjectPlace, patch: JsonValue, { strategy, ...writing }: Writing & { strategy: string }): Promise<void> {
    if (!STRATEGIES.has(strategy))
      throw new KubectlError(`error: --type must be one of [json merge strategic], not ${JSON.stringify(strategy)}`);
    const options = { ...optionsOf(writing), type: strategy as PatchType, answer: 'metadata' } as const;
    await this.api.patch(this.address(place, writing), patch, options);
  }

  async delete(place: ObjectPlace, { flags, signal }: Writing): Promise<void> {
    const { propagation, gracePeriodSeconds } = flags;
    const address = this.address(place);
    const answer = await this.api.delete<DeleteAnswer>(address, { propagation, gracePeriodSeconds });
    if (flags.waits) await this.gone(place, answer.details?.uid ?? answer.metadata?.uid, { timeoutMs: flags.timeoutMs, signal });
  }

  /** Fields that kubectl has applied on its own side, as Argo's steps do it, are ours from now on; whoever may not look does without. */
  private async takeOver(place: ObjectPlace): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        const { managedFields, resourceVersion } = await this.metadata(place);
        const after = asServerSideApplied(managedFields ?? [], FIELD_MANAGER);
        if (after === undefined) return;
        const operations = [
          { op: 'replace', path: '/metadata/managedFields', value: after },
          { op: 'replace', path: '/metadata/resourceVersion', value: resourceVersion },
        ];
        await this.api.patch(this.address(place), operations, { type: 'json', answer: 'metadata' });
        return;
      } catch (error) {
        if (error instanceof KubernetesNotFoundError || error instanceof KubernetesForbiddenError) return;
        if (!(error instanceof KubernetesConflictError) || attempt === WRITE_ATTEMPTS) throw error;
      }
    }
  }

  /** Until no object of this uid is there; whoever may not look does not wait. */
  private async gone(
    place: ObjectPlace,
    uid: string | undefined,
    until: { timeoutMs: number; signal: AbortSignal },
  ): Promise<void> {
    const beganAtMs = performance.now();
    for (let pauseMs = FIRST_LOOK_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
      try {
        const there = await this.metadata(place);
        if (there.uid !== uid) return;
      } catch (error) {
        if (error instanceof KubernetesNotFoundError || error instanceof KubernetesForbiddenError) return;
        throw error;
      }
      if (until.timeoutMs > 0 && performance.now() - beganAtMs > until.timeoutMs)
        throw new KubectlError(`error: timed out waiting for the condition on ${objectLabel(this.kind, place.name)}`);
      await sleep(pauseMs, undefined, { signal: until.signal });
    }
  }

  private async wasMadeBy(manager: string, place: ObjectPlace): Promise<boolean> {
    const { managedFields } = await this.metadata(place);
    return Array.isArray(managedFields) && managedFields.some((entry: { manager?: unknown }) => entry.manager === manager);
  }

  private async metadata(place: ObjectPlace): Promise<ApiObject['metadata']> {
    return (await this.api.get<ApiObject>(this.address(place))).metadata;
  }

  private collection(namespace: string): CollectionAddress {
    const { apiVersion, plural, isNamespaced } = this.kind;
    return { apiVersion, plural, ...(isNamespaced && namespace !== '' ? { namespace } : {}) };
  }

  private address({ namespace, name }: ObjectPlace, writing?: Writing): ObjectAddress {
    const subresource = writing?.flags.subresource;
    return { ...this.collection(namespace), name, ...(subresource === undefined ? {} : { subresource }) };
  }
}

/** The deleted object where something still holds it, else a Status. */
interface DeleteAnswer {
  metadata?: { uid?: string };
  details?: { uid?: string };
}

const placeOf = ({ metadata: { namespace = '', name } }: Resource): ObjectPlace => ({ namespace, name });

const optionsOf = ({ flags: { fieldValidation, fieldManager = FIELD_MANAGER } }: Writing): WriteOptions => ({
  fieldValidation,
  fieldManager,
});

/** A field manager that is this task's alone; at most 128 characters. */
const creatorOf = (author: string): string => `argosy-${createHash('sha256').update(author, 'utf8').digest('hex').slice(0, 32)}`;

const withoutManagedFields = (object: ApiObject): Resource => {
  const { managedFields: _managed, ...metadata } = object.metadata;
  return { ...object, metadata };
};
