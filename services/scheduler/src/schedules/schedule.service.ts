import { scheduleText } from '#libs/expressions';
import { type JobQueue, WorkflowJob } from '#libs/jobs';
import type { Logger } from '#libs/observability';
import {
  ResourceConflictError,
  type Resource,
  ResourceNotFoundError,
  type ResourceStore,
  type WorkflowObjects,
} from '#libs/resources';
import type {
  CronChild,
  NewWorkflow,
  RequestRepository,
  RetentionRepository,
  ScheduleKey,
  ScheduleRepository,
  StoredSchedule,
} from '#libs/store';
import { type Clock, type CronWorkflow, Kind, LabelName, parseTime } from '#libs/workflow-spec';
import type { ChildChecker } from './child-checker.js';
import { childWorkflow } from './child-workflow.js';
import { withStatus } from './cron-status.js';
import { decideSchedule, type ScheduleDecision } from './decide-schedule.js';
import { beyondHistory } from './history.js';
import { runObject } from './run-objects.js';
import type { ScheduleMetrics } from './schedule-metrics.js';
import { lastScheduledOf, newMemory, type ScheduleMemory, withCondition } from './schedule-memory.js';

export interface ScheduleCollaborators {
  schedules: Pick<ScheduleRepository, 'get' | 'commit' | 'children' | 'remove'>;
  resources: Pick<ResourceStore, 'get' | 'update'>;
  retention: Pick<RetentionRepository, 'markDeleted'>;
  requests: Pick<RequestRepository, 'insert'>;
  checker: Pick<ChildChecker, 'check'>;
  queue: Pick<JobQueue, 'wake' | 'wakeMany'>;
  clock: Clock;
  logger: Pick<Logger, 'info' | 'warn'>;
  metrics: Pick<ScheduleMetrics, 'began' | 'policy'>;
  /** Objects of runs on a cluster; absent: there is no cluster. */
  objects?: Pick<WorkflowObjects, 'create' | 'find'> | undefined;
}

/** Ticks and retries of one visit, so that one schedule that catches up does not hold up the others. */
const MAX_COMMITS = 50;
const STATUS_ATTEMPTS = 5;

/** What one look at the tables and the object gives. */
interface Situation {
  cron: CronWorkflow;
  row: StoredSchedule | undefined;
  memory: ScheduleMemory;
  lastScheduledAtMs: number | null;
  children: CronChild[];
}

/**
 * Load → decide → commit → effects, for one CronWorkflow.
 *
 * A tick and its run are one transaction behind the row's version: of many schedulers one commits, the others read again and find the
 * tick decided. Crash points: before the commit nothing has happened. After it the hint for the new workflow (its sweeper finds it),
 * the end of replaced runs, the deletion of old ones and the object's status are missing; each is worked out again from the row and the
 * children at the next visit, which comes at the latest with the next full look at all CronWorkflows.
 */
export class ScheduleService {
  constructor(
    private readonly collaborators: ScheduleCollaborators,
    private readonly instanceId?: string,
  ) {}

  /** Brings one CronWorkflow up to now; true where more has to be done at once. */
  async visit(key: ScheduleKey): Promise<boolean> {
    for (let commits = 0; commits < MAX_COMMITS; commits += 1) {
      const object = await this.find(key);
      if (object === undefined || !this.isOurs(object) || isDeleting(object)) {
        await this.forget(key, object);
        return false;
      }
      if (!(await this.step(key, object))) return false;
    }
    return true;
  }

  private async find({ namespace, name }: ScheduleKey): Promise<Resource | undefined> {
    return this.collaborators.resources.get({ kind: Kind.CronWorkflow, namespace, name }).catch((error: unknown) => {
      if (error instanceof ResourceNotFoundError) return undefined;
      throw error;
    });
  }

  private isOurs({ metadata }: Resource): boolean {
    return metadata.labels?.[LabelName.controllerInstanceId] === this.instanceId;
  }

  /** True: look again at once. */
  private async step(key: ScheduleKey, object: Resource): Promise<boolean> {
    const { schedules, clock } = this.collaborators;
    const nowMs = clock.nowMs();
    const situation = await this.situationOf(key, object, nowMs);
    const decision = await this.withRun(situation, decideSchedule({ ...situation, nowMs }), nowMs);
    const { memory, lastScheduledAtMs, nextRunAtMs, child } = decision;
    if (child !== undefined || isChanged(situation, decision)) {
      const outcome = await schedules.commit({
        ...key,
        uid: object.metadata.uid ?? '',
        expectedVersion: situation.row?.version,
        nextRunAtMs,
        lastScheduledAtMs,
        active: memory.active.map(({ uid }) => uid),
        body: memory,
        ...(child === undefined ? {} : { child }),
        nowMs,
      });
      if (outcome === 'stale') return true;
      this.count(key, situation.cron, decision);
    }
    await this.follow(key, situation, decision);
    return decision.tick !== undefined;
  }

  private async situationOf(key: ScheduleKey, object: Resource, nowMs: number): Promise<Situation> {
    const { schedules } = this.collaborators;
    const cron = object as unknown as CronWorkflow;
    const [row, children] = await Promise.all([schedules.get(key), schedules.children(key)]);
    if (row !== undefined && row.uid === object.metadata.uid) {
      return { cron, row, children, memory: row.body as ScheduleMemory, lastScheduledAtMs: row.lastScheduledAtMs };
    }
    // Made again under its name before anybody saw that the first one was gone.
    if (row !== undefined) await this.deleteOwned(row.uid, children);
    const memory = newMemory(cron, scheduleText(cron.spec), beginOf(cron, nowMs));
    return { cron, row, children, memory, lastScheduledAtMs: lastScheduledOf(cron) };
  }

  /** The decision with the run of its tick in it, or with the reason why there is none. */
  private async withRun(
    { cron, lastScheduledAtMs }: Situation,
    decision: ScheduleDecision,
    nowMs: number,
  ): Promise<ScheduleDecision & { child?: NewWorkflow }> {
    const { tick, memory } = decision;
    if (tick?.outcome !== 'run') return decision;
    const { objects, checker } = this.collaborators;
    const run = childWorkflow(cron, tick.atMs, nowMs);
    const checked = await checker.check(run);
    const workflow = 'problem' in checked || objects === undefined ? run : await runObject(objects, run);
    if ('problem' in checked || workflow === undefined) {
      const problem = 'problem' in checked ? checked.problem : `another workflow is named ${JSON.stringify(run.metadata.name)}`;
      const failed = withCondition(memory, 'SubmissionError', `Failed to submit Workflow: ${problem}`);
      return { ...decision, memory: failed, lastScheduledAtMs, tick: { ...tick, outcome: 'error', replaced: 0 } };
    }
    const { uid = '', name = '' } = workflow.metadata;
    const status = Object.keys(checked.storedTemplates).length === 0 ? {} : { status: checked };
    return {
      ...decision,
      memory: { ...memory, active: [...memory.active, { uid, name }] },
      child: {
        submitted: { ...workflow, ...status },
        createdAtMs: nowMs,
        instanceId: this.instanceId ?? '',
        hasClusterObject: objects !== undefined,
      },
    };
  }

  private count(key: ScheduleKey, cron: CronWorkflow, { tick }: ScheduleDecision): void {
    const { metrics, logger } = this.collaborators;
    if (tick === undefined) return;
    if (tick.outcome === 'run') metrics.began(key);
    if (tick.outcome === 'forbidden' || tick.replaced > 0) metrics.policy(key, cron.spec.concurrencyPolicy ?? 'Allow');
    logger.info('a tick of a CronWorkflow', { ...key, tickMs: tick.atMs, outcome: tick.outcome });
  }

  /** Everything that can be worked out again from the row and the children. */
  private async follow(
    key: ScheduleKey,
    { cron, children }: Situation,
    { memory, lastScheduledAtMs, child }: ScheduleDecision & { child?: NewWorkflow },
  ): Promise<void> {
    const { queue, requests, clock } = this.collaborators;
    const uid = child?.submitted.metadata.uid;
    if (uid !== undefined) await queue.wake(WorkflowJob, { workflow: uid });
    for (const workflow of memory.replaced) {
      const isNew = await requests.insert(
        { requestId: `cron-replace-${workflow}`, workflow, request: { type: 'terminate' } },
        clock.nowMs(),
      );
      if (isNew) await queue.wake(WorkflowJob, { workflow });
    }
    await this.deleteAll(beyondHistory(children, cron.spec));
    await this.tell(key, memory, lastScheduledAtMs);
  }

  private async deleteAll(uids: readonly string[]): Promise<void> {
    const { retention, queue, clock } = this.collaborators;
    for (const uid of uids) await retention.markDeleted(uid, clock.nowMs());
    if (uids.length > 0)
      await queue.wakeMany(
        WorkflowJob,
        uids.map((workflow) => ({ workflow })),
      );
  }

  /** The status of the object; whoever changes the object meanwhile is respected. */
  private async tell(key: ScheduleKey, memory: ScheduleMemory, lastScheduledAtMs: number | null): Promise<void> {
    for (let attempt = 1; attempt <= STATUS_ATTEMPTS; attempt += 1) {
      const object = await this.find(key);
      const wanted = object && withStatus(object, memory, lastScheduledAtMs);
      if (wanted === undefined) return;
      try {
        await this.collaborators.resources.update(wanted);
        return;
      } catch (error) {
        if (error instanceof ResourceNotFoundError) return;
        if (!(error instanceof ResourceConflictError)) throw error;
      }
    }
  }

  /** A CronWorkflow that is gone takes its runs with it, as Kubernetes' garbage collection does for owners; others' are left alone. */
  /** On a cluster that is the garbage collector's, which leaves them where people have said so (`--cascade=orphan`). */
  private async deleteOwned(cronUid: string, children: readonly CronChild[]): Promise<void> {
    if (this.collaborators.objects === undefined) await this.deleteAll(ownedBy(cronUid, children));
  }

  private async forget(key: ScheduleKey, object: Resource | undefined): Promise<void> {
    const { schedules } = this.collaborators;
    const row = await schedules.get(key);
    if (row === undefined) return;
    if (object === undefined) await this.deleteOwned(row.uid, await schedules.children(key));
    await schedules.remove(key, row.uid);
  }
}

/** It may be there for a while yet: until what it owns is gone, or who has put a finalizer on it lets it go. */
const isDeleting = ({ metadata: { deletionTimestamp } }: Resource): boolean =>
  deletionTimestamp !== undefined && deletionTimestamp !== null;

const ownedBy = (cronUid: string, children: readonly CronChild[]): string[] =>
  children.filter(({ ownerUid }) => ownerUid === cronUid).map(({ uid }) => uid);

/** Ticks count from the creation of an object that nobody has edited since: who edits an old one does not ask for its past. */
const beginOf = ({ metadata: { creationTimestamp, generation = 1 } }: CronWorkflow, nowMs: number): number => {
  if (typeof creationTimestamp !== 'string' || generation > 1) return nowMs;
  try {
    return Math.min(parseTime(creationTimestamp), nowMs);
  } catch {
    return nowMs;
  }
};

const isChanged = ({ row, memory, lastScheduledAtMs }: Situation, decision: ScheduleDecision): boolean =>
  row === undefined ||
  row.nextRunAtMs !== decision.nextRunAtMs ||
  lastScheduledAtMs !== decision.lastScheduledAtMs ||
  row.body !== memory ||
  JSON.stringify(memory) !== JSON.stringify(decision.memory);
