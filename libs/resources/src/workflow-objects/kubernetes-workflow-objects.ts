import {
  type ApiObject,
  followObjects,
  type KubernetesApi,
  KubernetesConflictError,
  KubernetesExistsError,
  KubernetesNotFoundError,
  KubernetesUnavailableError,
  StatusParts,
} from '#libs/kubernetes';
import {
  API_VERSION,
  FinalizerName,
  type JsonValue,
  type KubernetesObject,
  LabelName,
  TransientError,
  UserError,
  type Workflow,
} from '#libs/workflow-spec';
import { ResourceExistsError } from '../errors.js';
import type {
  EventSelection,
  RivalController,
  WorkflowNotice,
  WorkflowObject,
  WorkflowObjectEvent,
  WorkflowObjectKey,
  WorkflowObjects,
  WorkflowProjection,
} from './contract.js';
import { makeBudget, removeBudget } from './disruption-budget.js';
import { eventOf } from './notice-event.js';
import { holdsLocks, workflowObjectOf } from './object-marks.js';
import { headOf, type ObjectHead, projectionPatch, shownVersion, statusPatch } from './object-patch.js';

/** What workflow objects on a cluster are wired from. */
export interface KubernetesWorkflowObjectsOptions {
  api: KubernetesApi;
  /** The only namespace that is looked into; absent: all. */
  managedNamespace?: string | undefined;
  /** Value of the instance label; absent: objects without that label. */
  instanceId?: string | undefined;
  /** What events name as their source; default `workflow-controller`, as Argo's. */
  component?: string;
}

const COLLECTION = { apiVersion: API_VERSION, plural: 'workflows' };
const LEASES = { apiVersion: 'coordination.k8s.io/v1', plural: 'leases' };
const ARGO_LEASE = 'workflow-controller';
/** As Argo's leader election has it. */
const DEFAULT_LEASE_SECONDS = 15;
const WRITE_ATTEMPTS = 8;
/** Objects with all of their nodes are read. */
const HOLDERS_PAGE = 100;
/** Heads of objects that were written last, so that a projection needs no reading. */
const MOST_HEADS = 5_000;

/**
 * WorkflowObjects by the API server. A projection is one patch, conditional on the object's version: the object was read, or written
 * by us, when it showed an older version of our rows, so a slow writer cannot put back an older status. Met a change in between, it reads again.
 */
export class KubernetesWorkflowObjects implements WorkflowObjects {
  private readonly heads = new Map<string, ObjectHead>();

  private readonly statusParts: StatusParts;

  constructor(private readonly options: KubernetesWorkflowObjectsOptions) {
    this.statusParts = new StatusParts(options.api, API_VERSION);
  }

  async create(workflow: Workflow): Promise<Workflow> {
    const { uid: _uid, resourceVersion: _version, ...metadata } = workflow.metadata;
    const namespace = metadata.namespace ?? '';
    try {
      const made = await this.options.api.create<ApiObject>(
        { ...COLLECTION, namespace },
        { apiVersion: API_VERSION, kind: 'Workflow', metadata, spec: workflow.spec },
      );
      return workflowObjectOf(made).workflow;
    } catch (error) {
      if (error instanceof KubernetesExistsError)
        throw new ResourceExistsError({ kind: 'Workflow', namespace, name: metadata.name ?? '' });
      throw error;
    }
  }

  async find(namespace: string, name: string): Promise<WorkflowObject | undefined> {
    const found = await this.read({ namespace, name });
    return found && workflowObjectOf(found);
  }

  async delete({ namespace, name, uid }: WorkflowObjectKey): Promise<void> {
    this.heads.delete(uid);
    try {
      await this.options.api.delete({ ...COLLECTION, namespace, name }, { uid, propagation: 'Background' });
    } catch (error) {
      if (!(error instanceof KubernetesNotFoundError) && !(error instanceof KubernetesConflictError)) throw error;
    }
  }

  async *follow(options: { signal: AbortSignal; onTrouble?: (error: Error) => void }): AsyncIterable<WorkflowObjectEvent> {
    const { api, managedNamespace: namespace = '' } = this.options;
    const labelSelector = this.ofInstance();
    for await (const event of followObjects(
      api,
      { ...COLLECTION, namespace },
      { ...options, labelSelector, trim: withoutNodes },
    )) {
      if (event.type === 'SYNCED') yield { type: 'synced' };
      else if (event.type === 'MISSED_DELETION') yield { type: 'missed', key: event.identity };
      else {
        const object = workflowObjectOf(event.object);
        yield event.type === 'DELETED'
          ? { type: 'deleted', key: object.key }
          : { type: 'present', object, isNext: event.isListed !== true };
      }
    }
  }

  async *holders(): AsyncIterable<WorkflowObject> {
    const { api, managedNamespace: namespace = '' } = this.options;
    const labelSelector = `${this.ofInstance()},${LabelName.completed}!=true`;
    for await (const { items } of api.pages({ ...COLLECTION, namespace }, { labelSelector, limit: HOLDERS_PAGE }))
      for (const item of items) {
        const object = workflowObjectOf(withoutNodes(item));
        if (holdsLocks(object.workflow)) yield object;
      }
  }

  private ofInstance(): string {
    const { instanceId } = this.options;
    const label = LabelName.controllerInstanceId;
    return instanceId === undefined ? `!${label}` : `${label}=${instanceId}`;
  }

  async project(projection: WorkflowProjection): Promise<'written' | 'newer' | 'gone'> {
    const { namespace, name, uid } = projection.key;
    for (let attempt = 1; attempt <= WRITE_ATTEMPTS; attempt += 1) {
      const head = this.heads.get(uid) ?? (await this.readHead({ namespace, name }));
      if (head?.uid !== uid) return 'gone';
      if (shownVersion(head) >= projection.version) return this.remember(head, 'newer');
      const after = await this.writeOver(head, projection);
      if (after === 'gone') return after;
      if (after !== 'changed') return this.remember(after, 'written');
      this.heads.delete(uid);
    }
    throw new TransientError(`workflow ${namespace}/${name} is changed by others all the time`);
  }

  async release({ namespace, name, uid }: WorkflowObjectKey): Promise<void> {
    for (let attempt = 1; attempt <= WRITE_ATTEMPTS; attempt += 1) {
      const found = await this.read({ namespace, name });
      const { finalizers = [], resourceVersion } = found?.metadata ?? {};
      const kept = finalizers.filter((finalizer) => finalizer !== FinalizerName.artifactGc);
      if (found?.metadata.uid !== uid || kept.length === finalizers.length) return;
      const patch = { metadata: { uid, resourceVersion, finalizers: kept } };
      try {
        await this.options.api.patch({ ...COLLECTION, namespace, name }, patch, { type: 'merge', answer: 'metadata' });
        return;
      } catch (error) {
        if (error instanceof KubernetesNotFoundError) return;
        if (!(error instanceof KubernetesConflictError)) throw error;
      }
    }
  }

  async setLabel({ namespace, name, uid }: WorkflowObjectKey, label: string, value: string): Promise<void> {
    const patch = { metadata: { uid, labels: { [label]: value } } };
    try {
      await this.options.api.patch({ ...COLLECTION, namespace, name }, patch, { type: 'merge', answer: 'metadata' });
    } catch (error) {
      if (!(error instanceof KubernetesNotFoundError) && !(error instanceof KubernetesConflictError)) throw error;
    }
  }

  async rival(controllerNamespace: string, nowMs: number): Promise<RivalController | undefined> {
    const { api, instanceId } = this.options;
    const name = instanceId === undefined ? ARGO_LEASE : `${ARGO_LEASE}-${instanceId}`;
    try {
      return holderOf(await api.get<ApiObject>({ ...LEASES, namespace: controllerNamespace, name }), nowMs);
    } catch (error) {
      if (error instanceof KubernetesNotFoundError) return undefined;
      throw error;
    }
  }

  async namespaceLabels(label: string): Promise<Record<string, string>> {
    const { api, managedNamespace: name } = this.options;
    const namespaces = { apiVersion: 'v1', plural: 'namespaces' };
    const { items } =
      name === undefined
        ? await api.list(namespaces, { labelSelector: label, resourceVersion: '0' })
        : { items: [await api.get<ApiObject>({ ...namespaces, name })] };
    return Object.fromEntries(
      items.flatMap(({ metadata: { name: namespace, labels = {} } }) => {
        const { [label]: value } = labels;
        return value === undefined ? [] : [[namespace, value]];
      }),
    );
  }

  makeBudget(key: WorkflowObjectKey, budget: KubernetesObject): Promise<void> {
    return makeBudget(this.options.api, key, budget);
  }

  removeBudget(key: WorkflowObjectKey): Promise<void> {
    return removeBudget(this.options.api, key);
  }

  async tell(notice: WorkflowNotice, atMs: number): Promise<void> {
    const { api, component = 'workflow-controller' } = this.options;
    const { namespace } = notice.key;
    try {
      await api.create({ apiVersion: 'v1', plural: 'events', namespace }, eventOf(notice, { component, atMs }));
    } catch (error) {
      // Among what is dropped: another has told of the occasion (409).
      if (!(error instanceof KubernetesUnavailableError) && !(error instanceof UserError)) throw error;
    }
  }

  async *events({ namespace, ...selectors }: EventSelection, signal: AbortSignal): AsyncIterable<KubernetesObject> {
    const { api, managedNamespace = namespace } = this.options;
    if (namespace !== '' && namespace !== managedNamespace) return;
    const address = { apiVersion: 'v1', plural: 'events', namespace: managedNamespace };
    for await (const event of followObjects(api, address, { ...selectors, signal }))
      if (event.type === 'ADDED' || event.type === 'MODIFIED') yield event.object as KubernetesObject;
  }

  private async read({ namespace, name }: { namespace: string; name: string }): Promise<ApiObject | undefined> {
    try {
      return await this.options.api.get<ApiObject>({ ...COLLECTION, namespace, name });
    } catch (error) {
      if (error instanceof KubernetesNotFoundError) return undefined;
      throw error;
    }
  }

  private async readHead(place: { namespace: string; name: string }): Promise<ObjectHead | undefined> {
    const found = await this.read(place);
    return found && headOf(found);
  }

  /**
   * Gives the head that the object has then. A status that is a part of its own goes first: dying after it, the object shows the version
   * before, and all of it is written again.
   */
  private async writeOver(head: ObjectHead, projection: WorkflowProjection): Promise<ObjectHead | 'changed' | 'gone'> {
    const { namespace, name } = projection.key;
    let over = head;
    const isParted = await this.statusParts.has(COLLECTION.plural);
    if (isParted) {
      const shown = await this.write({ namespace, name, subresource: 'status' }, statusPatch(head, projection));
      if (typeof shown === 'string') return shown;
      over = { ...head, ...shown };
    }
    const { head: after, patch } = projectionPatch(over, projection, !isParted);
    const written = await this.write({ namespace, name }, patch);
    return typeof written === 'string' ? written : { ...after, ...written };
  }

  private async write(
    place: { namespace: string; name: string; subresource?: string },
    patch: readonly unknown[],
  ): Promise<{ resourceVersion: string } | 'changed' | 'gone'> {
    try {
      // The answer would be the whole object again.
      const { metadata } = await this.options.api.patch<ApiObject>({ ...COLLECTION, ...place }, patch, {
        type: 'json',
        answer: 'metadata',
      });
      return { resourceVersion: metadata.resourceVersion ?? '' };
    } catch (error) {
      if (error instanceof KubernetesConflictError) return 'changed';
      if (error instanceof KubernetesNotFoundError) return 'gone';
      throw error;
    }
  }

  private remember<Outcome>(head: ObjectHead, outcome: Outcome): Outcome {
    this.heads.delete(head.uid);
    this.heads.set(head.uid, head);
    for (const oldest of this.heads.keys()) {
      if (this.heads.size <= MOST_HEADS) break;
      this.heads.delete(oldest);
    }
    return outcome;
  }
}

/** A lease that nobody holds, or that was not renewed in its time, is nobody's. */
const holderOf = (lease: ApiObject, nowMs: number): RivalController | undefined => {
  const spec = (lease['spec'] ?? {}) as { holderIdentity?: string; leaseDurationSeconds?: number; renewTime?: string };
  const { holderIdentity: holder = '', leaseDurationSeconds = DEFAULT_LEASE_SECONDS, renewTime = '' } = spec;
  const renewedAtMs = Date.parse(renewTime);
  const untilMs = renewedAtMs + leaseDurationSeconds * 1000;
  return holder === '' || Number.isNaN(renewedAtMs) || untilMs < nowMs ? undefined : { holder, untilMs };
};

/** Who follows objects needs to know whether they have a status and what they hold; what else is in it only where somebody else has written that. */
const withoutNodes = (object: ApiObject): ApiObject => {
  const { isStatusEdited, hasStatus } = workflowObjectOf(object);
  const { phase, synchronization } = (object['status'] ?? {}) as { phase?: string; synchronization?: JsonValue };
  if (isStatusEdited || !hasStatus || phase === undefined) return object;
  const { managedFields: _managed, ...metadata } = object.metadata;
  return { ...object, metadata, status: { phase, ...(synchronization === undefined ? {} : { synchronization }) } };
};
