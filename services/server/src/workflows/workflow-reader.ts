import { Inject, Injectable } from '@nestjs/common';
import { renderWorkflow, type StateSnapshot } from '#libs/engine';
import { Store, type LoadedState, type StoredWorkflow, type WorkflowListRow } from '#libs/store';
import { ArchivingStatus, formatTime, LabelName, type Workflow, type WorkflowPhase } from '#libs/workflow-spec';
import { ApiError, notFound } from '../errors/errors.js';
import { withDeletedArtifacts } from './deleted-artifacts.js';

/** Argo's alias for the newest workflow of a namespace. */
const LATEST = '@latest';

/** A workflow found by name: live, or only in the archive any more. */
export type FoundWorkflow = { place: 'live'; stored: StoredWorkflow } | { place: 'archive'; workflow: Workflow };

const isGone = (stored: StoredWorkflow | undefined): boolean => stored === undefined || stored.deletedAtMs !== null;

/** Finds workflows and renders the public object from their rows; a workflow whose deletion was asked for is gone for readers. */
@Injectable()
export class WorkflowReader {
  constructor(@Inject(Store) private readonly store: Store) {}

  /** The live workflow of this name (or `@latest`), undefined where there is none. */
  async findLive(namespace: string, name: string): Promise<StoredWorkflow | undefined> {
    const stored =
      name === LATEST ? await this.store.workflows.getLatest(namespace) : await this.store.workflows.getByName(namespace, name);
    return isGone(stored) ? undefined : stored;
  }

  /** Live, else from the archive (by `uid` where given and the live one is another); ApiError 5 in Kubernetes' words otherwise. */
  async find(namespace: string, name: string, uid?: string): Promise<FoundWorkflow> {
    const stored = await this.findLive(namespace, name);
    if (stored !== undefined && (uid === undefined || stored.uid === uid)) return { place: 'live', stored };
    const workflow =
      uid === undefined ? await this.store.archive.getByName(namespace, name) : await this.store.archive.getByUid(uid);
    if (workflow === undefined || workflow.metadata.namespace !== namespace) throw notFound('workflows', name);
    return { place: 'archive', workflow: asPersisted(workflow) };
  }

  /** Live or archived, with its nodes; ApiError 5 where no workflow has this uid. */
  async getByUid(uid: string): Promise<Workflow> {
    const stored = await this.store.workflows.getByUid(uid);
    const live = isGone(stored) ? undefined : await this.renderWhole(uid);
    const archived = live === undefined ? await this.store.archive.getByUid(uid) : undefined;
    const workflow = live ?? (archived === undefined ? undefined : asPersisted(archived));
    if (workflow === undefined) throw new ApiError(5, 'not found');
    return workflow;
  }

  async get(found: FoundWorkflow, withNodes = true): Promise<Workflow> {
    return found.place === 'archive' ? found.workflow : this.render(found.stored, withNodes);
  }

  /** The public object; without `withNodes` the node rows are not read. ApiError 5 where it vanished meanwhile. */
  async render(stored: { uid: string; name: string }, withNodes = true): Promise<Workflow> {
    const workflow = withNodes ? await this.renderWhole(stored.uid) : (await this.renderHeaders([stored.uid]))[0];
    if (workflow === undefined) throw notFound('workflows', stored.name);
    return workflow;
  }

  /** As it was at the moment of a snapshot, with the names and versions that it has now. */
  async renderSnapshot(stored: { uid: string; name: string }, { header, nodes }: StateSnapshot): Promise<Workflow> {
    const [state] = await this.store.workflowState.loadHeaders([stored.uid]);
    if (state === undefined) throw notFound('workflows', stored.name);
    return renderState({ ...state, header }, nodes);
  }

  /** With its nodes; undefined where it is gone. */
  async renderWhole(uid: string): Promise<Workflow | undefined> {
    const state = await this.store.workflowState.load(uid);
    return state === undefined ? undefined : withDeletedArtifacts(renderState(state, state.nodes), this.store.artifactDeletions);
  }

  /** Without nodes, in the given order; a workflow that is gone is left out. */
  async renderHeaders(uids: readonly string[]): Promise<Workflow[]> {
    const states = new Map((await this.store.workflowState.loadHeaders(uids)).map((state) => [state.uid, state]));
    return uids.flatMap((uid) => {
      const state = states.get(uid);
      return state === undefined ? [] : [renderState(state, [])];
    });
  }
}

function renderState(state: Omit<LoadedState, 'nodes'>, nodes: LoadedState['nodes']): Workflow {
  const { submitted, header } = state;
  const workflow: Workflow =
    header === undefined ? { metadata: submitted.metadata, spec: submitted.spec } : renderWorkflow(submitted, header, nodes);
  const archiving = state.archiving ? { [LabelName.archivingStatus]: state.archiving } : {};
  const labels = { ...workflow.metadata.labels, ...archiving };
  return {
    ...workflow,
    metadata: {
      ...workflow.metadata,
      ...(Object.keys(labels).length === 0 ? {} : { labels }),
      resourceVersion: String(state.revision),
      generation: workflow.metadata.generation ?? 1,
    },
  };
}

/** What only the archive holds any more is called Persisted, whatever the stored label says. */
export function asPersisted(workflow: Workflow): Workflow {
  const labels = { ...workflow.metadata.labels, [LabelName.archivingStatus]: ArchivingStatus.Persisted };
  return { ...workflow, metadata: { ...workflow.metadata, labels } };
}

/** An item of the list of archived workflows: Argo keeps this much of its metadata there. */
export function asListed(workflow: Workflow): Workflow {
  const { name, namespace, uid, creationTimestamp, labels, annotations } = asPersisted(workflow).metadata;
  const metadata = Object.entries({ name, namespace, uid, creationTimestamp, labels, annotations }).filter(
    ([, value]) => value !== undefined,
  );
  return { ...workflow, metadata: Object.fromEntries(metadata) };
}

const time = (timeMs: number | null): string | null => (timeMs === null ? null : formatTime(timeMs));

/** A list's item from its columns alone: enough where `fields` asks for nothing else. */
export function workflowFromRow(row: WorkflowListRow): Workflow {
  return {
    metadata: {
      name: row.name,
      namespace: row.namespace,
      uid: row.uid,
      creationTimestamp: formatTime(row.createdAtMs),
      ...(Object.keys(row.labels).length === 0 ? {} : { labels: row.labels }),
      ...(Object.keys(row.annotations).length === 0 ? {} : { annotations: row.annotations }),
    },
    spec: {},
    status: {
      ...(row.phase === '' ? {} : { phase: row.phase as WorkflowPhase }),
      ...(row.message === '' ? {} : { message: row.message }),
      ...(row.progress === '' ? {} : { progress: row.progress }),
      startedAt: time(row.startedAtMs),
      finishedAt: time(row.finishedAtMs),
    },
  };
}
