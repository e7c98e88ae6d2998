import type { WorkflowRequest } from '#libs/engine';
import type { Logger } from '#libs/observability';
import type { WorkflowObject, WorkflowProjection } from '#libs/resources';
import { type NewWorkflow, type StoredWorkflow, WorkflowExistsError, type WorkflowStateRepository } from '#libs/store';
import { formatTime, TransientError, type Workflow } from '#libs/workflow-spec';
import { type IntakePorts, IntakeService } from './intake.service.js';
import { ObjectEdits } from './object-edits.js';
import { NodesAwayError } from './offloaded-nodes.js';
import type { TakeoverOutcome } from './takeover.service.js';

const NOW_MS = Date.UTC(2026, 0, 1);
const RUNNING = { suspend: false, shutdown: '' };

type Header = Awaited<ReturnType<WorkflowStateRepository['loadHeaders']>>[number];

/** Tables and a cluster in memory, as far as intake sees them: its tests set what is there and read what it has done. */
export class IntakeWorld {
  readonly rows = new Map<string, { workflow: NewWorkflow; deleted: boolean }>();
  readonly headers = new Map<string, Header>();
  /** Uids of the objects that are in the cluster, by name. */
  readonly there = new Map<string, string>();
  readonly requests = new Map<string, WorkflowRequest>();
  readonly projections: WorkflowProjection[] = [];
  readonly released: string[] = [];
  readonly woken: string[] = [];
  readonly told: string[] = [];
  readonly taken: string[] = [];
  readonly confirmed: string[] = [];
  /** By uid; others are taken over. */
  readonly takeovers = new Map<string, TakeoverOutcome | 'fails' | 'exists'>();
  /** Uids of rows that cannot be compared with their objects. */
  readonly unreadable = new Set<string>();
  /** Argo's controller. */
  readonly rivals = { isAlive: false };
  readonly now = { ms: NOW_MS };
  readonly intake: IntakeService;

  constructor(logger: Logger) {
    const queue: IntakePorts['queue'] = {
      wake: (_job, payload) => Promise.resolve(void this.woken.push((payload as { workflow: string }).workflow)),
    };
    const common = { objects: this.objects(), queue, clock: { nowMs: () => this.now.ms }, logger };
    this.intake = new IntakeService({
      ...common,
      workflows: this.workflows(),
      takeover: this.takeover(),
      retention: { markDeleted: (uid) => Promise.resolve(this.markDeleted(uid)) },
      edits: new ObjectEdits({
        ...common,
        requests: {
          insert: ({ requestId, request }) => {
            const isNew = !this.requests.has(requestId);
            this.requests.set(requestId, request);
            return Promise.resolve(isNew);
          },
        },
        states: { loadHeaders: (uids) => Promise.resolve(uids.flatMap((uid) => this.headers.get(uid) ?? [])) },
        installation: () => Promise.resolve('ours'),
        nodesOf: ({ workflow }) => Promise.resolve(workflow.status?.nodes),
      }),
    });
  }

  private objects() {
    return {
      find: (_namespace: string, name: string) => {
        const uid = this.there.get(name);
        return Promise.resolve(uid === undefined ? undefined : object(uid));
      },
      project: (projection: WorkflowProjection) => Promise.resolve((this.projections.push(projection), 'written' as const)),
      release: ({ uid }: { uid: string }) => Promise.resolve(void this.released.push(uid)),
      tell: ({ reason }: { reason: string }) => Promise.resolve(void this.told.push(reason)),
    };
  }

  private workflows(): IntakePorts['workflows'] {
    return {
      insert: (workflow) => {
        const { uid = '', name = '' } = workflow.submitted.metadata;
        if (this.rows.has(uid)) return Promise.resolve('exists');
        if (this.uidOf(name) !== undefined) return Promise.reject(new WorkflowExistsError('lab', name));
        this.rows.set(uid, { workflow, deleted: false });
        return Promise.resolve('inserted');
      },
      getByUid: (uid) => Promise.resolve(this.stored(uid)),
      getByName: (_namespace, name) => Promise.resolve(this.stored(this.uidOf(name) ?? '')),
      clusterObjects: () =>
        Promise.resolve([...this.rows].filter(([, row]) => !row.deleted).map(([uid]) => ({ uid, namespace: 'lab', name: 'w' }))),
    };
  }

  private takeover(): IntakePorts['takeover'] {
    return {
      takeOver: (found) => {
        const outcome = this.takeovers.get(found.key.uid) ?? 'taken';
        this.taken.push(found.key.uid);
        if (outcome === 'fails') return Promise.reject(new TransientError('away'));
        return outcome === 'exists' ? Promise.reject(new WorkflowExistsError('lab', 'w')) : Promise.resolve(outcome);
      },
      hasRival: () => Promise.resolve(this.rivals.isAlive),
      confirm: (key, shown) => {
        this.confirmed.push(`${key.uid} ${shown ?? 'unknown'}`);
        return this.unreadable.has(key.uid) ? Promise.reject(new NodesAwayError('away')) : Promise.resolve('current');
      },
    };
  }

  private markDeleted(uid: string): boolean {
    const row = this.rows.get(uid);
    if (row === undefined || row.deleted) return false;
    row.deleted = true;
    return true;
  }

  private uidOf(name: string): string | undefined {
    return [...this.rows].find(([, row]) => row.workflow.submitted.metadata.name === name)?.[0];
  }

  private stored(uid: string): StoredWorkflow | undefined {
    const row = this.rows.get(uid);
    if (row === undefined) return undefined;
    const { submitted } = row.workflow;
    return {
      uid,
      namespace: 'lab',
      name: submitted.metadata.name,
      submitted,
      deletedAtMs: row.deleted ? 1 : null,
    } as StoredWorkflow;
  }
}

/** A workflow object `w` that nobody has begun. */
export const object = (uid: string, changes: Partial<WorkflowObject> = {}, workflow: Partial<Workflow> = {}): WorkflowObject => ({
  workflow: {
    metadata: { uid, name: 'w', namespace: 'lab', creationTimestamp: formatTime(NOW_MS), ...workflow.metadata },
    spec: { entrypoint: 'main', templates: [{ name: 'main', suspend: {} }], ...workflow.spec },
    ...(workflow.status === undefined ? {} : { status: workflow.status }),
  },
  key: { uid, name: 'w', namespace: 'lab' },
  controls: RUNNING,
  knownControls: undefined,
  recordVersion: undefined,
  resourceVersion: '1',
  generation: undefined,
  writtenOver: undefined,
  installation: undefined,
  isDeleting: false,
  hasStatus: false,
  isStatusEdited: false,
  ...changes,
});

/** An object that asks for a lock, with this status; `name` is its uid too. */
export const wanting = (
  name: string,
  status?: Workflow['status'],
  locks: object = { synchronization: { mutexes: [{ name: 'm' }] } },
): WorkflowObject => {
  const { workflow, ...others } = object(name, { hasStatus: status !== undefined });
  const named = { ...workflow, metadata: { ...workflow.metadata, name }, spec: { ...workflow.spec, ...locks } };
  return { ...others, key: { uid: name, name, namespace: 'lab' }, workflow: { ...named, ...(status && { status }) } };
};
