import { renderWorkflow, type WorkflowRequest } from '#libs/engine';
import { type JobQueue, WorkflowJob } from '#libs/jobs';
import type { Resource } from '#libs/resources';
import { parseLabelSelector, WorkflowExistsError, type Store, type StoredWorkflow } from '#libs/store';
import {
  AlreadyExistsError,
  API_VERSION,
  decodeWorkflow,
  FailedPreconditionError,
  formatTime,
  InvalidArgumentError,
  Kind,
  LabelName,
  NotFoundError,
  objectNameProblem,
  TransientError,
  type Clock,
  type Workflow,
} from '#libs/workflow-spec';
import { uidBy, type KeptObjects, type ObjectPlace } from './object-access.js';
import { strictly } from './strict-decoding.js';

export interface WorkflowObjectsParts {
  store: Pick<Store, 'workflows' | 'workflowState' | 'requests'>;
  queue: JobQueue;
  clock: Clock;
}

/** How long a request may take before the task asks again. */
const REQUEST_TIMEOUT_MS = 30_000;
const MAX_LISTED = 1_000;

const notFound = (name: string): NotFoundError => new NotFoundError(`workflows.argoproj.io ${JSON.stringify(name)} not found`);

interface Controls {
  suspend?: boolean;
  shutdown?: string;
}

/**
 * Workflows as objects of Kubernetes: created as with `kubectl create`, so that what validation says becomes the phase of the new workflow and not an error of
 * who made it. What can be changed of one is what Argo's API changes: `spec.suspend` and `spec.shutdown`, as requests to the scheduler.
 */
export class WorkflowObjects implements KeptObjects {
  constructor(private readonly parts: WorkflowObjectsParts) {}

  async get(place: ObjectPlace): Promise<Resource> {
    return this.render(await this.live(place));
  }

  async list(namespace: string, selector: string): Promise<Resource[]> {
    const query = { namespace, labels: parseLabelSelector(selector), undeleted: true, limit: MAX_LISTED };
    const page = await this.parts.store.workflows.listPage(query);
    return Promise.all(page.rows.map(({ name }) => this.get({ namespace, name })));
  }

  async create(object: Resource, author: string): Promise<Resource> {
    const { store, queue, clock } = this.parts;
    const { metadata, spec } = strictly<Workflow>(decodeWorkflow, object);
    const problem = objectNameProblem(metadata.name ?? '');
    if (problem !== undefined)
      throw new InvalidArgumentError(`Workflow.argoproj.io ${JSON.stringify(metadata.name ?? '')} is invalid: ${problem}`);
    const uid = uidBy(author);
    const nowMs = clock.nowMs();
    const submitted = { metadata: { ...metadata, uid, generation: 1, creationTimestamp: formatTime(nowMs) }, spec };
    const instanceId = metadata.labels?.[LabelName.controllerInstanceId] ?? '';
    try {
      await store.workflows.insert({ submitted, createdAtMs: nowMs, instanceId });
    } catch (error) {
      if (!(error instanceof WorkflowExistsError)) throw error;
      throw new AlreadyExistsError(`workflows.argoproj.io ${JSON.stringify(metadata.name)} already exists`, { cause: error });
    }
    // A hint may be lost after the INSERT: the scheduler's sweeper finds the row.
    await queue.wake(WorkflowJob, { workflow: uid });
    const stored = await store.workflows.getByUid(uid);
    if (stored === undefined) throw notFound(metadata.name ?? '');
    return this.render(stored);
  }

  async replace(object: Resource, before: Resource, author: string): Promise<Resource> {
    const place = { namespace: before.metadata.namespace ?? '', name: before.metadata.name };
    const wanted = (object['spec'] ?? {}) as unknown as Controls;
    const present = (before['spec'] ?? {}) as unknown as Controls;
    assertOnlyControls(object, before);
    if ((wanted.shutdown ?? '') !== (present.shutdown ?? '')) {
      await this.request(place, { type: wanted.shutdown === 'Terminate' ? 'terminate' : 'stop' }, author);
    }
    if ((wanted.suspend ?? false) !== (present.suspend ?? false)) {
      await this.request(place, { type: wanted.suspend === true ? 'suspend' : 'resume' }, author);
    }
    return this.get(place);
  }

  async delete(place: ObjectPlace, author: string): Promise<void> {
    await this.request(place, { type: 'delete' }, author);
  }

  private async live({ namespace, name }: ObjectPlace): Promise<StoredWorkflow> {
    const stored = await this.parts.store.workflows.getByName(namespace, name);
    if (stored === undefined || stored.deletedAtMs !== null) throw notFound(name);
    return stored;
  }

  private async render(stored: StoredWorkflow): Promise<Resource> {
    const state = await this.parts.store.workflowState.load(stored.uid);
    if (state === undefined) throw notFound(stored.name);
    const { submitted, header, nodes } = state;
    const workflow = header === undefined ? submitted : renderWorkflow(submitted, header, nodes);
    const metadata = { ...workflow.metadata, name: stored.name, resourceVersion: String(state.revision) };
    return { ...(workflow as unknown as Resource), apiVersion: API_VERSION, kind: Kind.Workflow, metadata };
  }

  /** Repeated under the same author it asks once. */
  private async request(place: ObjectPlace, request: WorkflowRequest, author: string): Promise<void> {
    const { store, queue, clock } = this.parts;
    const { uid } = await this.live(place);
    const requestId = `${uid}/${request.type}/${author}`;
    await store.requests.insert({ requestId, workflow: uid, request }, clock.nowMs());
    await queue.wake(WorkflowJob, { workflow: uid });
    const outcome = await store.requests.waitForOutcome({ requestId, workflow: uid }, REQUEST_TIMEOUT_MS);
    if (outcome === undefined) throw new TransientError(`no scheduler has answered the request to ${request.type} ${place.name}`);
    if (!outcome.ok) throw new FailedPreconditionError(outcome.message ?? 'the request was refused');
  }
}

const withoutControls = ({ metadata, ...object }: Resource): string => {
  const { suspend: _suspend, shutdown: _shutdown, ...spec } = (object['spec'] ?? {}) as Record<string, unknown>;
  const { labels, annotations } = metadata;
  return JSON.stringify([spec, labels ?? {}, annotations ?? {}]);
};

const assertOnlyControls = (object: Resource, before: Resource): void => {
  if (withoutControls(object) === withoutControls(before)) return;
  throw new FailedPreconditionError(
    `workflows.argoproj.io ${JSON.stringify(before.metadata.name)} cannot be changed: only spec.suspend and spec.shutdown of a workflow can`,
  );
};
