import { type EngineConfig, importWorkflow, type ImportedWorkflow, UnreadableStatusError } from '#libs/engine';
import { type JobQueue, WorkflowJob } from '#libs/jobs';
import type { Logger } from '#libs/observability';
import { holdsLocks, type WorkflowObject, type WorkflowObjectKey, type WorkflowObjects } from '#libs/resources';
import { type FoundState, type HandoffQueue, hydrateRecord, StoreCorruptError, type TakeoverRepository } from '#libs/store';
import {
  ArchivingStatus,
  type Clock,
  decodeWorkflow,
  isFinishedWorkflowPhase,
  LabelName,
  type NodeStatus,
  UserError,
  type Workflow,
} from '#libs/workflow-spec';
import { expiryOf } from '../reconcile/expiry.js';
import { NodesAwayError } from './offloaded-nodes.js';

/** What the takeover is wired from. */
export interface TakeoverPorts {
  objects: Pick<WorkflowObjects, 'find' | 'rival' | 'tell'>;
  takeover: TakeoverRepository;
  /** Offloaded nodes; undefined where there is no such version. Throws NodesAwayError while they cannot be read. */
  readOffloaded: (uid: string, version: string) => Promise<Record<string, NodeStatus> | undefined>;
  /** What the controller says by now. */
  engine: () => EngineConfig;
  queue: Pick<JobQueue, 'wake'>;
  clock: Clock;
  logger: Logger;
  instanceId?: string | undefined;
  /** Where Argo's controller is installed, and its lease. */
  controllerNamespace: string;
}

/**
 * `waits`: Argo's controller is alive. `away`: its nodes are in a database that cannot be read now. `missing`: they are not, or not yet, where they should be. `held`: no rows can be
 * made of it, and it is left as it is.
 */
export type TakeoverOutcome = 'taken' | 'waits' | 'away' | 'missing' | 'held';

/** A lease that was looked at is believed for so long: many workflows may wait for it. */
const LEASE_LOOK_MS = 2_000;
/** Workflows of which something was told once. */
const MOST_TOLD = 20_000;
const OWN_ANNOTATION = 'argosy.dev/';

/**
 * Workflows whose state is in their objects and not, or no longer, in our tables: those that Argo's controller has begun, and ours after
 * the tables were lost or put back to an earlier state. The object's status becomes the rows, in one transaction; pods are adopted as the
 * rows are decided upon (see libs/engine `resumeImported`).
 *
 * Crash points: before the transaction nothing has happened, and the object is found again; after it the sweeper finds the rows. Two that do
 * it at the same time: the second changes nothing.
 */
export class TakeoverService {
  private readonly told = new Set<string>();
  private lease: { atMs: number; rival: ReturnType<WorkflowObjects['rival']> } | undefined;

  constructor(private readonly ports: TakeoverPorts) {}

  /** Takes in a workflow that has a status and no rows. Throws WorkflowExistsError where rows of its name are another workflow's. */
  async takeOver({ key, recordVersion }: WorkflowObject): Promise<TakeoverOutcome> {
    // Asked first: as long as it is so many workflows may wait, and are asked for again and again.
    if (recordVersion === undefined && (await this.hasRival(key))) return 'waits';
    const object = await this.wholeObject(key);
    if (object === undefined) return 'held';
    const found = await this.read(object);
    if (typeof found === 'string') return found;
    const { submitted } = found;
    const { takeover, clock, instanceId = '' } = this.ports;
    const workflow = { submitted, createdAtMs: clock.nowMs(), instanceId, hasClusterObject: true };
    await takeover.import({ workflow, ...this.stateOf(object, found) });
    await this.goOn(key, 'taken over from the status of its object');
    return 'taken';
  }

  /**
   * Puts rows that are older than their object right; `overtaken` where they were. `shownVersion`: what the object shows, where that is known;
   * otherwise it is looked up. Throws NodesAwayError while what the object shows cannot be read: the rows are not to be believed then.
   */
  async confirm(key: WorkflowObjectKey, shownVersion?: number): Promise<'current' | 'overtaken'> {
    const { takeover } = this.ports;
    if (shownVersion !== undefined && !(await takeover.isBehind(key.uid, shownVersion))) return 'current';
    const object = await this.wholeObject(key);
    if (object?.recordVersion === undefined || !(await takeover.isBehind(key.uid, object.recordVersion))) return 'current';
    const found = await this.read(object);
    if (found === 'away') throw new NodesAwayError(`the nodes of workflow ${key.namespace}/${key.name} cannot be read now`);
    if (typeof found === 'string') return 'current';
    if ((await takeover.overtake(key.uid, this.stateOf(object, found))) === 'newer') return 'current';
    await this.goOn(key, 'put right from the status of its object, which is newer than its rows');
    return 'overtaken';
  }

  /** The nodes that an object with its whole status shows; undefined where they cannot be read, or not now. */
  readonly nodesOf = async ({ key, workflow }: WorkflowObject): Promise<Record<string, NodeStatus> | undefined> => {
    try {
      return (await hydrateRecord(workflow, (version) => this.ports.readOffloaded(key.uid, version))).status?.nodes;
    } catch (error) {
      if (error instanceof NodesAwayError || error instanceof StoreCorruptError) return undefined;
      throw error;
    }
  };

  private async wholeObject({ namespace, name, uid }: WorkflowObjectKey): Promise<WorkflowObject | undefined> {
    const object = await this.ports.objects.find(namespace, name);
    return object?.key.uid === uid ? object : undefined;
  }

  private async goOn(key: WorkflowObjectKey, what: string): Promise<void> {
    this.ports.logger.info(`a workflow is ${what}`, { ...key });
    await this.ports.queue.wake(WorkflowJob, { workflow: key.uid });
  }

  /** Whether Argo's controller is alive, which is told once as an event of the workflow: two controllers of one would run everything twice. */
  async hasRival(key: WorkflowObjectKey): Promise<boolean> {
    const { objects, clock, controllerNamespace } = this.ports;
    const nowMs = clock.nowMs();
    if (this.lease === undefined || nowMs - this.lease.atMs > LEASE_LOOK_MS)
      this.lease = { atMs: nowMs, rival: objects.rival(controllerNamespace, nowMs) };
    const { rival } = this.lease;
    try {
      const found = await rival;
      if (found === undefined) return false;
      const message = `another controller, ${found.holder}, is alive: the workflow is taken over when it has given up its lease`;
      await this.tellOnce(key, 'WorkflowTakeoverWaits', message);
    } catch (error) {
      this.lease = undefined;
      // Whoever may not look whether another controller is alive has to take it for alive.
      if (!(error instanceof UserError)) throw error;
      const message = `whether another controller is alive cannot be seen, so the workflow is not taken over: ${error.message}`;
      await this.tellOnce(key, 'WorkflowTakeoverWaits', message);
    }
    return true;
  }

  /** The rows that the object makes; or why it makes none, which is told once. */
  private async read(object: WorkflowObject): Promise<ImportedWorkflow | 'away' | 'missing' | 'held'> {
    const { key } = object;
    try {
      const decoded = decodeWorkflow(object.workflow, { unknownFields: 'drop' }).object;
      const { readOffloaded, engine } = this.ports;
      const { status } = object.workflow;
      const whole = await hydrateRecord({ ...decoded, ...(status === undefined ? {} : { status }) }, (version) =>
        readOffloaded(key.uid, version),
      );
      const workflow = { metadata: withoutMarks(whole.metadata), spec: decoded.spec, status: whole.status ?? {} };
      return importWorkflow(engine(), { workflow, isOwn: object.recordVersion !== undefined });
    } catch (error) {
      if (error instanceof NodesAwayError) {
        await this.tellUnfinished(
          object,
          'WorkflowTakeoverWaits',
          `the workflow goes on when its offloaded nodes can be read: ${error.message}`,
        );
        return 'away';
      }
      const isReadable = !(
        error instanceof UserError ||
        error instanceof UnreadableStatusError ||
        error instanceof StoreCorruptError
      );
      if (isReadable) throw error;
      const free = holdsLocks(object.workflow) ? ', and others may get the locks that it holds' : '';
      await this.tellUnfinished(object, 'WorkflowTakeoverHeld', `the workflow is left as it is${free}: ${error.message}`);
      return error instanceof StoreCorruptError && object.workflow.status?.offloadNodeStatusVersion ? 'missing' : 'held';
    }
  }

  /** One that has ended is only not shown by the API. */
  private async tellUnfinished({ key, workflow }: WorkflowObject, reason: string, message: string): Promise<void> {
    if (!isFinishedWorkflowPhase(workflow.status?.phase)) await this.tellOnce(key, reason, message);
  }

  private stateOf(
    { workflow, recordVersion = 0 }: WorkflowObject,
    { submitted, header, nodes, locks }: ImportedWorkflow,
  ): FoundState {
    const archiving = workflow.metadata.labels?.[LabelName.archivingStatus];
    return {
      header,
      nodes,
      locks,
      shownVersion: recordVersion,
      expiresAtMs: expiryOf(submitted, header),
      handoffs: isFinishedWorkflowPhase(header.status.phase) ? handoffsOf(workflow, archiving) : [],
      isArchived: archiving === ArchivingStatus.Archived,
      nowMs: this.ports.clock.nowMs(),
    };
  }

  private async tellOnce(key: WorkflowObjectKey, reason: string, message: string): Promise<void> {
    const { objects, logger, clock } = this.ports;
    const id = `${reason}/${key.uid}`;
    if (this.told.has(id)) return;
    this.told.add(id);
    for (const oldest of this.told) {
      if (this.told.size <= MOST_TOLD) break;
      this.told.delete(oldest);
    }
    logger.warn(message, { ...key, reason });
    await objects.tell({ key, type: 'Warning', reason, message }, clock.nowMs());
  }
}

const withoutMarks = (metadata: Workflow['metadata']): Workflow['metadata'] => ({
  ...metadata,
  annotations: Object.fromEntries(
    Object.entries(metadata.annotations ?? {}).filter(([name]) => !name.startsWith(OWN_ANNOTATION)),
  ),
});

/** A finished workflow has been shown and, mostly, archived by who ran it; what that has left is done. */
const handoffsOf = ({ status }: Workflow, archiving: string | undefined): HandoffQueue[] => {
  const collection = status?.artifactGCStatus as { notSpecified?: boolean; strategiesProcessed?: object } | undefined;
  const isCollected =
    collection?.notSpecified === true || Object.hasOwn(collection?.strategiesProcessed ?? {}, 'OnWorkflowCompletion');
  return [
    'record',
    ...(archiving === ArchivingStatus.Pending ? (['archive'] as const) : []),
    ...(isCollected ? [] : (['artifact-gc'] as const)),
  ];
};
