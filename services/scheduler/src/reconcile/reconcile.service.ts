import {
  createWorkflowState,
  decide,
  ENGINE_LEVEL,
  type Decision,
  type EngineConfig,
  type FactValue,
  type InboxEntry,
  markCommitted,
  refreshWorkflowState,
  restoreWorkflowState,
  sizeOf,
  snapshotOf,
  type SubmittedWorkflow,
  type WorkflowState,
} from '#libs/engine';
import type { JobOutcome } from '#libs/jobs';
import type { HandoffQueue, InboxReading, RetentionRepository, WorkflowStateRepository } from '#libs/store';
import { AnnotationName, type Clock, TransientError } from '#libs/workflow-spec';
import { admissionChangeOf, lockChangesOf } from '../admission/lock-rows.js';
import { isAdmissionLimited, type ParallelismSource } from '../admission/parallelism.js';
import type { CommandDispatcher } from './command-dispatcher.js';
import { type ContainerDefaults, withContainerDefaults } from './container-defaults.js';
import { expiryOf } from './expiry.js';
import type { BudgetKeeper } from '../budgets/budget-keeper.js';
import type { EventTeller } from '../events/event-teller.js';
import type { FactLoader } from './fact-loader.js';
import { handoffsOf } from './handoffs.js';
import { memoRowsOf, type MemoKeeper } from '../memoization/memo-keeper.js';
import type { SpecMetrics } from '../metrics/spec-metrics.js';
import { type PodChanges, podChangesOf } from './pod-rows.js';
import type { SchedulerMetrics } from './scheduler-metrics.js';
import { StateCache } from './state-cache.js';

export interface ReconcileOptions {
  engine: EngineConfig;
  /** Resolves when `engine` and `containers` are what the controller says; absent: at once. */
  known?: () => Promise<void>;
  /** The controller's word on containers; read anew for each decision, as `engine` is. */
  containers?: ContainerDefaults;
  /** Value of the controller-instanceid label on pods; absent for none. */
  instanceId?: string | undefined;
  cacheBytes: number;
  /** Most inbox entries taken into one decision. */
  inboxLimit: number;
}

export interface ReconcileCollaborators {
  states: Pick<WorkflowStateRepository, 'load' | 'loadSince' | 'loadInbox' | 'commit'>;
  retention: Pick<RetentionRepository, 'markDeleted'>;
  facts: FactLoader;
  dispatcher: CommandDispatcher;
  clock: Clock;
  parallelism: ParallelismSource;
  metrics: Pick<SchedulerMetrics, 'entered' | 'reconciled'>;
  memos: Pick<MemoKeeper, 'remember'>;
  specMetrics: Pick<SpecMetrics, 'committed'>;
  /** Events of a cluster; absent: there is none. */
  events?: Pick<EventTeller, 'committed'> | undefined;
  /** Disruption budgets of a cluster; absent: there is none. */
  budgets?: Pick<BudgetKeeper, 'committed'> | undefined;
  /** Says whether the rows are as new as the object of the workflow; absent: there are no objects. */
  guard?: { confirm(workflow: SubmittedWorkflow): Promise<'current' | 'overtaken'> } | undefined;
  /** Begins or goes on with the removal of a workflow whose deletion was asked for. */
  removal: { advance(uid: string): Promise<JobOutcome> };
}

/** What this replica holds of a workflow, as of `version`. */
interface Held {
  workflow: SubmittedWorkflow;
  state: WorkflowState;
  version: number;
  nodeRevision: number;
  treeEpoch: number;
  /** As of the last commit. */
  phase: string | undefined;
}

type Step = 'again' | 'deleting' | { wakeAtMs: number | null };
type DeleteRequest = Extract<InboxEntry, { kind: 'request' }>;

/** Rounds of facts that one decision may ask for: templates may refer to templates that deep. */
const MAX_FACT_ROUNDS = 100;
/** Commits in one job, so that a large workflow does not hold a handler for ever. */
const MAX_COMMITS_PER_JOB = 20;

const isDeletion = (entry: InboxEntry): entry is DeleteRequest => entry.kind === 'request' && entry.request.type === 'delete';

/**
 * Load → decide → commit → hint, for one workflow.
 *
 * Crash points: before the commit nothing has happened but what is remembered in ConfigMaps; after it and before the hints, the sweepers find the rows that are
 * due. A fence that does not hold (another replica was quicker) or a COMMIT of unknown outcome drops the held state, which
 * may be ahead of the tables, and the next step reads anew.
 */
export class ReconcileService {
  private readonly cache: StateCache<Held>;

  constructor(
    private readonly collaborators: ReconcileCollaborators,
    private readonly options: ReconcileOptions,
  ) {
    this.cache = new StateCache(options.cacheBytes);
  }

  async reconcile(uid: string): Promise<JobOutcome> {
    const begunAt = performance.now();
    await this.options.known?.();
    try {
      return await this.reconcileUntilDone(uid);
    } finally {
      this.collaborators.metrics.reconciled(performance.now() - begunAt);
    }
  }

  private async reconcileUntilDone(uid: string): Promise<JobOutcome> {
    for (let commits = 0; commits < MAX_COMMITS_PER_JOB; commits += 1) {
      const step = await this.step(uid);
      if (step === 'again') continue;
      if (step === 'deleting') return this.collaborators.removal.advance(uid);
      return step.wakeAtMs === null ? undefined : { wakeAtMs: step.wakeAtMs };
    }
    return { again: true };
  }

  /** Bytes and workflows held, for metrics. */
  cacheUse(): { sizeBytes: number; count: number } {
    return { sizeBytes: this.cache.sizeBytes, count: this.cache.count };
  }

  private async step(uid: string): Promise<Step> {
    try {
      return await this.readDecideCommit(uid);
    } catch (error) {
      this.cache.drop(uid);
      throw error;
    }
  }

  private async readDecideCommit(uid: string): Promise<Step> {
    const inbox = await this.collaborators.states.loadInbox(uid, { limit: this.options.inboxLimit });
    if (!inbox) {
      this.cache.drop(uid);
      return { wakeAtMs: null };
    }
    if (inbox.deletedAtMs !== null) {
      this.cache.drop(uid);
      return 'deleting';
    }
    const deletion = inbox.entries.find(isDeletion);
    if (deletion) return this.acceptDeletion(uid, inbox, deletion);

    const held = await this.heldAt(uid, inbox);
    if (!held) return { wakeAtMs: null };
    if ((await this.collaborators.guard?.confirm(held.workflow)) === 'overtaken') return 'again';
    const decision = await this.decideWithFacts(held, inbox.entries);
    const pods = podChangesOf(withContainerDefaults(decision.commands, this.options.containers ?? {}), {
      workflow: { ...held.workflow, spec: held.state.spec },
      instanceId: this.options.instanceId,
    });
    if (changesNothing(decision, pods, inbox)) return { wakeAtMs: decision.nextWakeAtMs };
    const handoffs = handoffsOf({ inbox, decision, nodes: held.state.nodes.values() });
    return this.commit(held, decision, { pods, inboxHasMore: inbox.more, handoffs });
  }

  private async commit(
    held: Held,
    decision: Decision,
    { pods, inboxHasMore, handoffs }: { pods: PodChanges; inboxHasMore: boolean; handoffs: HandoffQueue[] },
  ): Promise<Step> {
    const { states, dispatcher, memos, clock } = this.collaborators;
    const uid = held.workflow.metadata.uid ?? '';
    const nowMs = clock.nowMs();
    const namespace = held.workflow.metadata.namespace ?? '';
    const locks = lockChangesOf(decision.commands);
    const admission = admissionChangeOf(decision.commands, this.collaborators.parallelism.current());
    await memos.remember(decision.commands);
    const outcome = await states.commit({
      uid,
      expectedVersion: held.version,
      ...(decision.header ? { header: decision.header, expiresAtMs: expiryOf(held.workflow, decision.header) } : {}),
      nodes: decision.nodes,
      removedNodeIds: decision.removedNodeIds,
      podInserts: pods.inserts.map((pod) => ({ ...pod, namespace })),
      podDesired: pods.changes,
      consumedInboxIds: decision.consumed,
      outcomes: answersOf(held.state, decision),
      memos: memoRowsOf(decision.commands),
      ...(locks ? { locks } : {}),
      ...(admission ? { admission } : {}),
      handoffs,
      nextWakeAtMs: decision.nextWakeAtMs,
      nowMs,
    });
    if (!outcome.committed) {
      this.cache.drop(uid);
      return 'again';
    }
    markCommitted(held.state);
    const phase = this.noteCommitted(held, decision);
    const { version, nodeRevision, treeEpoch } = outcome;
    this.cache.set(uid, { ...held, phase, version, nodeRevision, treeEpoch }, sizeOf(held.state));
    const told = outcome.wake.filter((other) => other !== uid);
    if (told.length > 0) await dispatcher.told(told);
    await dispatcher.committed({ uid, pods, handoffs, visible: decision.header !== undefined || decision.nodes.length > 0 });
    return decision.more || inboxHasMore || outcome.wake.includes(uid) ? 'again' : { wakeAtMs: decision.nextWakeAtMs };
  }

  /** What is counted and remembered of a commit; gives the phase that the workflow has now. */
  private noteCommitted({ workflow, state, phase: before }: Held, { header, commands, nodes }: Decision): string | undefined {
    const { metrics, specMetrics, events, budgets } = this.collaborators;
    const { uid = '', namespace = '', name = '' } = workflow.metadata;
    const phase = header?.status.phase ?? before;
    if (phase !== undefined && phase !== '' && phase !== before) metrics.entered(phase, namespace);
    const key = { uid, namespace, name };
    events?.committed({
      key,
      status: phase === before ? undefined : header?.status,
      conditions: header?.status.conditions,
      nodes,
      podNames: state.header.annotations[AnnotationName.podNameFormat],
    });
    budgets?.committed({ key, phase, budget: state.spec['podDisruptionBudget'] });
    specMetrics.committed(uid, commands);
    return phase;
  }

  private async decideWithFacts(held: Held, inbox: readonly InboxEntry[]): Promise<Decision> {
    const { parallelism } = this.collaborators;
    const facts = new Map<string, FactValue>();
    // What the controller says may have changed since the state came into memory.
    held.state.config = this.options.engine;
    for (let round = 0; round < MAX_FACT_ROUNDS; round += 1) {
      const decision = decide(held.state, {
        inbox,
        facts,
        nowMs: this.collaborators.clock.nowMs(),
        isAdmissionLimited: isAdmissionLimited(parallelism.current(), held.workflow.metadata.namespace ?? ''),
      });
      if (decision.missing.length === 0) return decision;
      for (const [id, value] of await this.collaborators.facts.load(decision.missing)) facts.set(id, value);
    }
    const { namespace, name } = held.workflow.metadata;
    throw new TransientError(`workflow ${namespace}/${name} still misses facts after ${MAX_FACT_ROUNDS} rounds`);
  }

  /** The held state where it is that of the tables; else with what changed since; else read whole. */
  private async heldAt(uid: string, { version, treeEpoch, undecided }: InboxReading): Promise<Held | undefined> {
    const held = this.cache.get(uid);
    if (held?.version === version) return held;
    this.cache.drop(uid);
    if (undecided) {
      const state = createWorkflowState(this.options.engine, undecided);
      return { workflow: undecided, state, version, nodeRevision: 0, treeEpoch, phase: undefined };
    }
    if (held?.treeEpoch === treeEpoch) {
      const changes = await this.collaborators.states.loadSince(uid, held.version, held.nodeRevision);
      if (!changes) return undefined;
      if (changes.treeEpoch === treeEpoch) {
        refreshWorkflowState(held.state, {
          ...(changes.header ? { header: changes.header } : {}),
          nodes: changes.changedNodes,
          removedNodeIds: changes.removedNodeIds,
        });
        return { ...held, version: changes.version, nodeRevision: changes.nodeRevision };
      }
    }
    const loaded = await this.collaborators.states.load(uid);
    if (!loaded) return undefined;
    const { submitted, header, nodes } = loaded;
    // Stored by a newer scheduler, which goes on with it: N and N-1 run together while they are replaced.
    if (loaded.engineLevel > ENGINE_LEVEL) return undefined;
    const state = header
      ? restoreWorkflowState(this.options.engine, submitted, { header, nodes })
      : createWorkflowState(this.options.engine, submitted);
    return {
      workflow: submitted,
      state,
      version: loaded.version,
      nodeRevision: loaded.nodeRevision,
      treeEpoch: loaded.treeEpoch,
      phase: header?.status.phase,
    };
  }

  /** The mark comes first: dying between the two, the request is found again and answered, and the mark stays. */
  private async acceptDeletion(uid: string, inbox: InboxReading, deletion: DeleteRequest): Promise<Step> {
    const { retention, states, clock } = this.collaborators;
    const nowMs = clock.nowMs();
    await retention.markDeleted(uid, nowMs);
    await states.commit({
      uid,
      expectedVersion: inbox.version,
      consumedInboxIds: [deletion.id],
      outcomes: [{ requestId: deletion.requestId, ok: true }],
      nowMs,
    });
    this.cache.drop(uid);
    return 'deleting';
  }
}

const changesNothing = (decision: Decision, pods: PodChanges, inbox: InboxReading): boolean =>
  !decision.header &&
  decision.nodes.length + decision.removedNodeIds.length + decision.consumed.length + decision.outcomes.length === 0 &&
  pods.inserts.length + pods.changes.length === 0 &&
  decision.nextWakeAtMs === inbox.nextWakeAtMs;

/** Beyond this an answer to a request is read from the tables instead of being stored with it. */
const MAX_SNAPSHOT_NODES = 1000;

/** Argo's API answers a request with the workflow as the request left it, before the controller goes on: that moment is kept. */
const answersOf = (state: WorkflowState, { outcomes }: Decision): Decision['outcomes'] => {
  if (!outcomes.some(({ ok }) => ok) || state.nodes.size > MAX_SNAPSHOT_NODES) return outcomes;
  const snapshot = snapshotOf(state);
  return outcomes.map((outcome) => (outcome.ok ? { ...outcome, snapshot } : outcome));
};
