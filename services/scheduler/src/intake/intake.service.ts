import { type JobQueue, WorkflowJob } from '#libs/jobs';
import type { Logger } from '#libs/observability';
import { holdsLocks, type WorkflowObject, type WorkflowObjectKey, type WorkflowObjects } from '#libs/resources';
import { type RetentionRepository, type StoredWorkflow, WorkflowExistsError, type WorkflowRepository } from '#libs/store';
import { type Clock, formatTime, LabelName, parseTime, UserError, type Workflow } from '#libs/workflow-spec';
import type { KnownObject, ObjectEdits } from './object-edits.js';
import { mayWantLocks } from './lock-wishes.js';
import { readWorkflow } from './object-spec.js';
import { NodesAwayError } from './offloaded-nodes.js';
import type { TakeoverService } from './takeover.service.js';

/** What intake is wired from. */
export interface IntakePorts {
  objects: Pick<WorkflowObjects, 'find' | 'project' | 'release'>;
  workflows: Pick<WorkflowRepository, 'insert' | 'getByUid' | 'getByName' | 'clusterObjects'>;
  edits: Pick<ObjectEdits, 'knownAs' | 'knownBy' | 'take'>;
  retention: Pick<RetentionRepository, 'markDeleted'>;
  takeover: Pick<TakeoverService, 'takeOver' | 'confirm' | 'hasRival'>;
  queue: Pick<JobQueue, 'wake'>;
  clock: Clock;
  logger: Logger;
  /** Value of the instance label; absent: workflows without it. */
  instanceId?: string | undefined;
  /** The only namespace that is looked into; absent: all. */
  managedNamespace?: string | undefined;
}

/** Workflows that were taken in, with what they said when they were; all others are looked up again. */
const MOST_KNOWN = 20_000;
const PAGE = 500;
/** Set by the server; see its object-submission.ts. */
const ROWS_FOLLOW = 'argosy.dev/rows-follow';
const PATIENCE_MS = 30_000;

/**
 * Brings workflow objects and rows together: what is new becomes a row under the object's uid, what a person changes becomes a request in the
 * workflow's inbox, what is gone is deleted. Everything here may happen twice: rows are keyed by uid, requests by what they answer.
 * Crash points: an object without a row, or a change without a request, is found again by the next list.
 */
export class IntakeService {
  private readonly known = new Map<string, KnownObject>();
  /** Waits until the rows of an earlier workflow of its name are gone, another controller is, or the holders of locks have come over. */
  private readonly waiting = new Map<string, WorkflowObject>();
  /** Those among them that hold locks. */
  private readonly waitingHolders = new Set<string>();
  /** Without the nodes that they name, which are looked for again. */
  private readonly idle = new Map<string, { object: WorkflowObject; untilMs: number }>();
  private readonly present = new Set<string>();
  /** Whether all that is there has been told. */
  private isListed = false;
  /** Whether Argo's controller was alive when the list was read, or after. */
  private sawRival = false;
  private hasOldList = false;

  constructor(private readonly ports: IntakePorts) {}

  /** Argo's controller, which was alive when objects were listed, has gone since: what it wrote last is known by another list only. */
  get isOutdated(): boolean {
    return this.hasOldList;
  }

  /** Forgets which objects are there: a new list follows. `sawRival`: Argo's controller is alive, and may change them after it. */
  begin(sawRival: boolean): void {
    this.isListed = false;
    this.sawRival = sawRival;
    this.hasOldList = false;
    this.present.clear();
    this.waiting.clear();
    this.idle.clear();
    this.waitingHolders.clear();
  }

  /** An object that is there. `isNext`: as the event says; false where the object may have changed more than once. */
  async take(object: WorkflowObject, isNext = false): Promise<void> {
    const { uid } = object.key;
    this.present.add(uid);
    this.stopWaiting(uid);
    if (object.isDeleting) return this.remove(object.key);
    const known = this.known.get(uid) ?? (await this.takeInOrWait(object));
    if (known !== undefined) await this.ports.edits.take(object, known, isNext);
  }

  /** An object that is gone, or that has left this installation. */
  async leave(key: WorkflowObjectKey): Promise<void> {
    this.present.delete(key.uid);
    this.stopWaiting(key.uid);
    if (await this.isThere(key)) return;
    await this.remove(key);
    this.known.delete(key.uid);
  }

  /** Takes those again that had to wait. */
  async retryWaiting(): Promise<void> {
    for (const object of [...this.waiting.values()]) await this.take(object);
    const nowMs = this.ports.clock.nowMs();
    for (const { object, untilMs } of [...this.idle.values()]) if (untilMs <= nowMs) await this.take(object);
  }

  /** After a list: deletes the workflows whose object went while nobody looked. */
  async removeMissing(): Promise<void> {
    const { workflows, managedNamespace, instanceId = '' } = this.ports;
    this.isListed = true;
    let after: string | undefined;
    for (;;) {
      const page = await workflows.clusterObjects({ instanceId, limit: PAGE, ...(after === undefined ? {} : { after }) });
      for (const key of page) {
        const isElsewhere = managedNamespace !== undefined && key.namespace !== managedNamespace;
        // Made after the list was read: the object itself is asked.
        if (!isElsewhere && !this.present.has(key.uid) && !(await this.isThere(key))) await this.remove(key);
      }
      after = page.at(-1)?.uid;
      if (page.length < PAGE) return;
    }
  }

  private async isThere({ namespace, name, uid }: WorkflowObjectKey): Promise<boolean> {
    return (await this.ports.objects.find(namespace, name))?.key.uid === uid;
  }

  private async remove(key: WorkflowObjectKey): Promise<void> {
    const { retention, queue, clock, workflows, objects } = this.ports;
    const { uid } = key;
    if (await retention.markDeleted(uid, clock.nowMs())) await queue.wake(WorkflowJob, { workflow: uid });
    else if ((await workflows.getByUid(uid)) === undefined) await objects.release(key);
  }

  /** One that cannot be taken in now is among those that wait all the while: nobody passes a holder of locks in the meantime. */
  private async takeInOrWait(object: WorkflowObject): Promise<KnownObject | undefined> {
    try {
      return await this.takeIn(object);
    } catch (error) {
      this.wait(object);
      throw error;
    }
  }

  /** Gives what the workflow was taken in with; undefined where it is none of ours yet. */
  private async takeIn(object: WorkflowObject): Promise<KnownObject | undefined> {
    const { uid } = object.key;
    const stored = await this.ports.workflows.getByUid(uid);
    if (stored !== undefined) return this.confirm(stored, object);
    if (this.isBehindHolders(object) || (await this.isBehindRival(object))) return this.wait(object);
    if (object.hasStatus) return this.takeOver(object);
    if (this.isAwaited(object)) return this.wait(object);
    const workflow = await this.decoded(object);
    if (workflow === undefined) return undefined;
    try {
      await this.insert(workflow);
    } catch (error) {
      if (!(error instanceof WorkflowExistsError)) throw error;
      return this.waitForName(object);
    }
    return this.remember(uid, this.ports.edits.knownAs(object, workflow.spec));
  }

  /** Rows that are older than their object are put right; where what it shows cannot be read now, it waits, and the others go on. */
  private async confirm(stored: StoredWorkflow, object: WorkflowObject): Promise<KnownObject | undefined> {
    try {
      await this.ports.takeover.confirm(object.key, object.recordVersion);
    } catch (error) {
      if (!(error instanceof NodesAwayError)) throw error;
      return this.wait(object);
    }
    return this.remember(stored.uid, await this.ports.edits.knownBy(stored, object));
  }

  private async insert({ metadata, spec }: Workflow): Promise<void> {
    const { workflows, queue, clock, instanceId = '' } = this.ports;
    await workflows.insert({ submitted: { metadata, spec }, createdAtMs: clock.nowMs(), instanceId, hasClusterObject: true });
    // A hint may be lost after the INSERT: the sweeper finds the row.
    await queue.wake(WorkflowJob, { workflow: metadata.uid ?? '' });
  }

  /** The server makes the rows of a workflow that takes up an earlier run; where it has died, all of that is run again. */
  private isAwaited({ workflow: { metadata } }: WorkflowObject): boolean {
    if (metadata.annotations?.[ROWS_FOLLOW] === undefined || typeof metadata.creationTimestamp !== 'string') return false;
    return this.ports.clock.nowMs() - parseTime(metadata.creationTimestamp) < PATIENCE_MS;
  }

  /** It has run, and there are no rows of it: they are made from what it shows. One that has to wait is looked at again. */
  private async takeOver(object: WorkflowObject): Promise<KnownObject | undefined> {
    try {
      switch (await this.ports.takeover.takeOver(object)) {
        case 'taken':
          return this.remember(object.key.uid, this.ports.edits.knownAs(object, object.workflow.spec));
        case 'waits':
          this.sawRival = true;
          return this.wait(object);
        case 'away':
          return this.wait(object);
        case 'missing':
          return this.waitIdly(object);
        case 'held':
          return undefined;
      }
    } catch (error) {
      if (!(error instanceof WorkflowExistsError)) throw error;
      return this.waitForName(object);
    }
  }

  /** The workflow in our words; undefined where it cannot be read, which is then its end. */
  private async decoded({ key, workflow, controls }: WorkflowObject): Promise<Workflow | undefined> {
    try {
      return readWorkflow(workflow);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      const time = formatTime(this.ports.clock.nowMs());
      const message = `invalid spec: ${error.message}`;
      await this.ports.objects.project({
        key,
        version: 0,
        labels: { [LabelName.phase]: 'Failed', [LabelName.completed]: 'true' },
        annotations: {},
        status: { phase: 'Failed', message, startedAt: time, finishedAt: time },
        controls,
        submittedControls: controls,
      });
      this.ports.logger.info('a workflow cannot be read', { ...key, problem: error.message });
      return undefined;
    }
  }

  /** Its rows go first: a workflow whose object was replaced is deleted. */
  private async waitForName(object: WorkflowObject): Promise<undefined> {
    const { namespace, name, uid } = object.key;
    const former = await this.ports.workflows.getByName(namespace, name);
    if (former !== undefined && former.uid !== uid) await this.remove(former);
    return this.wait(object);
  }

  /** What is held is said by the objects of the holders alone: whoever could ask for it is behind all of them. */
  private isBehindHolders({ workflow }: WorkflowObject): boolean {
    if (this.isListed && this.waitingHolders.size === 0) return false;
    return !holdsLocks(workflow) && mayWantLocks(workflow);
  }

  /**
   * As long as Argo's controller is alive, it alone says who gets locks. Where it was alive when objects were listed, it may have given some
   * of which no event has come yet: all is listed again first.
   */
  private async isBehindRival({ key, workflow, hasStatus, recordVersion }: WorkflowObject): Promise<boolean> {
    const isConcerned = hasStatus ? recordVersion === undefined : mayWantLocks(workflow);
    if (!this.sawRival || !isConcerned) return false;
    if (!(await this.ports.takeover.hasRival(key))) this.hasOldList = true;
    return true;
  }

  private wait(object: WorkflowObject): undefined {
    const { uid } = object.key;
    this.waiting.set(uid, object);
    if (holdsLocks(object.workflow)) this.waitingHolders.add(uid);
  }

  /** Its nodes may come to where they should be, or the database with them be named; nobody waits for that. */
  private waitIdly(object: WorkflowObject): undefined {
    this.idle.set(object.key.uid, { object, untilMs: this.ports.clock.nowMs() + PATIENCE_MS });
  }

  private stopWaiting(uid: string): void {
    this.idle.delete(uid);
    this.waiting.delete(uid);
    this.waitingHolders.delete(uid);
  }

  private remember(uid: string, known: KnownObject): KnownObject {
    this.known.set(uid, known);
    for (const oldest of this.known.keys()) {
      if (this.known.size <= MOST_KNOWN) break;
      this.known.delete(oldest);
    }
    return known;
  }
}
