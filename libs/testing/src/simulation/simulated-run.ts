import {
  createWorkflowState,
  decide,
  factId,
  importWorkflow,
  markCommitted,
  renderWorkflow,
  restoreWorkflowState,
  type Command,
  type Decision,
  type EngineConfig,
  type FactValue,
  type InboxEntry,
  type NodeRow,
  type SubmittedWorkflow,
  type WorkflowHeader,
  type WorkflowState,
} from '#libs/engine';
import { isFinishedWorkflowPhase, type Workflow } from '#libs/workflow-spec';
import { Agenda } from './agenda.js';
import { seededRandom } from './seeded-random.js';
import { factOf } from './simulated-facts.js';
import { SimulatedLocks } from './simulated-locks.js';
import { SimulatedPods } from './simulated-pods.js';
import type { SimulatedRun, SimulationOptions } from './simulation-options.js';
import { WaitingReplica } from './waiting-replica.js';

const START_MS = Date.parse('2024-01-01T00:00:00Z');
const DEFAULT_CONFIG: EngineConfig = {
  artifactRepository: { location: { s3: { bucket: 'my-bucket', endpoint: 'minio:9000' } } },
  podNames: 'v2',
};

const submittedFrom = (workflow: Workflow & Pick<SubmittedWorkflow, 'reuse'>): SubmittedWorkflow => ({
  metadata: {
    namespace: 'lab',
    uid: '00000000-0000-4000-8000-000000000001',
    creationTimestamp: '2024-01-01T00:00:00Z',
    ...workflow.metadata,
  },
  spec: workflow.spec,
  ...(workflow.reuse === undefined ? {} : { reuse: workflow.reuse }),
});

/** Plays one workflow to its end against the engine, with pods of the image `sim` and virtual time. */
class Simulation {
  private nowMs = START_MS;
  private readonly agenda: Agenda;
  private readonly facts = new Map<string, FactValue>();
  private readonly rows = new Map<string, NodeRow>();
  private readonly commands: Command[] = [];
  private readonly config: EngineConfig;
  private submitted: SubmittedWorkflow;
  private readonly locks: SimulatedLocks;
  private header: WorkflowHeader | undefined;
  private state: WorkflowState;
  private decisions = 0;
  private readonly pods: SimulatedPods;
  private readonly turns: () => number;
  private readonly waiting = new WaitingReplica();
  /** What was shown before each decision, where it is to be lost. */
  private readonly shown: Workflow[] = [];

  constructor(
    workflow: Workflow,
    private readonly options: SimulationOptions,
  ) {
    this.config = { ...DEFAULT_CONFIG, ...options.config };
    this.agenda = new Agenda(options.seed);
    this.submitted = submittedFrom(workflow);
    for (const [id, value] of options.facts ?? []) this.facts.set(id, value);
    this.state = createWorkflowState(this.config, this.submitted);
    this.turns = seededRandom(options.seed ?? 0);
    const { play, endsOnly } = options;
    this.pods = new SimulatedPods({
      ...(play === undefined ? {} : { play }),
      ...(endsOnly === undefined ? {} : { endsOnly }),
      tell: (atMs, entry) => this.agenda.schedule(atMs, { ...entry, id: this.agenda.nextId() }),
    });
    if (options.found !== undefined) this.find(options.found);
    const others = options.lockedByOthers ?? [];
    const names = [...new Set(others.map(({ lock }) => lock))];
    this.locks = new SimulatedLocks(
      Object.fromEntries(names.map((name) => [name, others.filter(({ lock }) => lock === name).length])),
    );
    for (const { lock, untilMs } of others) {
      this.agenda.schedule(START_MS + untilMs, { id: this.agenda.nextId(), kind: 'poke' }, () => {
        this.locks.freeStranger(lock);
        this.tellAboutLocks([]);
      });
    }
    for (const { atMs, request } of options.requests ?? []) {
      const id = this.agenda.nextId();
      this.agenda.schedule(START_MS + atMs, { id, kind: 'request', requestId: id, request });
    }
  }

  run(): SimulatedRun {
    let wakeAtMs = this.step([]);
    const most = this.options.mostDecisions ?? 100_000;
    while (this.decisions < most && !this.isOver()) {
      const nextMs = Math.min(this.agenda.nextAtMs, wakeAtMs ?? Infinity);
      if (nextMs === Infinity) break;
      this.nowMs = Math.max(this.nowMs, nextMs);
      wakeAtMs = this.step(this.agenda.takeDue(this.nowMs, this.options.oneByOne === true));
    }
    const rows = [...this.rows.values()];
    return {
      workflow: renderWorkflow(this.submitted, this.header, rows),
      decisions: this.decisions,
      ended: this.isFinished(),
      commands: this.commands,
      rows: this.rows,
      made: this.pods.made,
    };
  }

  private isFinished(): boolean {
    return isFinishedWorkflowPhase(this.header?.status.phase);
  }
  private isOver(): boolean {
    return this.isFinished() && !this.agenda.hasRequests;
  }
  /** Decides until nothing more is to be decided now; gives the time at which the engine wants to be woken. */
  private step(inbox: readonly InboxEntry[]): number | null {
    let rest = this.options.repeating === true ? inbox.flatMap((entry) => this.repeated(entry)) : inbox;
    for (;;) {
      if (
        this.options.losingEvery !== undefined &&
        this.header !== undefined &&
        this.decisions % this.options.losingEvery === 0
      ) {
        this.decideOnce(rest);
        this.restore();
      }
      const decision = this.decideOnce(rest);
      this.take(decision);
      if (this.options.decidingTwice === true && !decision.more) this.assertNothingLeft();
      const consumed = new Set(decision.consumed);
      rest = rest.filter(({ id }) => !consumed.has(id));
      if (!decision.more || this.decisions > (this.options.mostDecisions ?? 100_000)) return decision.nextWakeAtMs;
    }
  }

  private restore(): void {
    if (this.header === undefined) return;
    const nodes = [...this.rows.values()];
    this.state = restoreWorkflowState(this.config, this.submitted, {
      header: this.header,
      nodes: this.options.replicas === true ? structuredClone(nodes) : nodes,
    });
  }

  /** Lets the other replica decide, or not. */
  private takeTurns(): void {
    if (this.header === undefined || this.turns() < 0.5) return;
    const state = this.waiting.takeOver(this.state, this.header);
    if (state === undefined) this.restore();
    else this.state = state;
  }

  /** Rows from an object alone. */
  private import(workflow: Workflow, isOwn: boolean): void {
    const { submitted, header, nodes } = importWorkflow(this.config, { workflow, isOwn });
    this.submitted = submitted;
    this.header = header;
    this.rows.clear();
    for (const row of nodes) this.rows.set(row.id, row);
    this.restore();
  }

  private find({ workflow, pods }: NonNullable<SimulationOptions['found']>): void {
    const begun = Object.values(workflow.status?.nodes ?? {}).flatMap(({ startedAt }) =>
      startedAt ? [Date.parse(startedAt)] : [],
    );
    this.nowMs = Math.max(START_MS, ...begun);
    this.import(workflow, false);
    this.pods.find(pods);
  }

  private lose({ atDecision, behind = 0 }: NonNullable<SimulationOptions['lost']>): void {
    if (this.header === undefined) return;
    this.shown.push(renderWorkflow(this.submitted, this.header, [...this.rows.values()]));
    if (this.decisions !== atDecision) return;
    const known = this.shown.at(-1 - behind);
    if (known?.status?.phase === undefined) return;
    this.agenda.keepRequests();
    this.locks.forget();
    this.pods.orphan();
    this.import(JSON.parse(JSON.stringify(known)) as Workflow, true);
  }

  private assertNothingLeft(): void {
    const { nodes, commands, removedNodeIds } = decide(this.state, { inbox: [], facts: this.facts, nowMs: this.nowMs });
    if (nodes.length + commands.length + removedNodeIds.length > 0) {
      throw new Error(
        `a second decision changed ${JSON.stringify(nodes.map(({ status }) => status.name))} and gave ${commands.length} commands`,
      );
    }
    markCommitted(this.state);
  }

  private repeated(entry: InboxEntry): InboxEntry[] {
    if (entry.kind !== 'pod') return [entry];
    const stranger = { ...entry.report, incarnation: entry.report.incarnation + 7 };
    return [entry, { id: this.agenda.nextId(), kind: 'pod', report: stranger }, { ...entry, id: this.agenda.nextId() }];
  }

  private decideOnce(inbox: readonly InboxEntry[]): Decision {
    if (this.options.lost !== undefined) this.lose(this.options.lost);
    this.decisions += 1;
    if (this.options.forgetful === true) this.restore();
    if (this.options.replicas === true) this.takeTurns();
    for (;;) {
      const decision = decide(this.state, {
        inbox,
        facts: this.facts,
        nowMs: this.nowMs,
        isAdmissionLimited: this.options.admittedAfterMs !== undefined,
        ...this.limit(),
      });
      if (decision.missing.length === 0) return decision;
      for (const key of decision.missing) this.facts.set(factId(key), factOf(key, this.options));
    }
  }

  private limit(): { maxChanges?: number } {
    const { lost, maxChanges } = this.options;
    const most = this.header?.internal['imported'] === true ? (lost?.maxChanges ?? maxChanges) : maxChanges;
    return most === undefined ? {} : { maxChanges: most };
  }

  private take(decision: Decision): void {
    this.options.onDecision?.(decision, this.state);
    if (decision.header !== undefined) this.header = decision.header;
    for (const id of decision.removedNodeIds) this.rows.delete(id);
    for (const row of decision.nodes) this.rows.set(row.id, row);
    this.waiting.hasUnread(decision.nodes, decision.removedNodeIds);
    for (const command of decision.commands) this.obey(command);
    this.tellAboutLocks(decision.commands);
    markCommitted(this.state);
  }

  private tellAboutLocks(commands: readonly Command[]): void {
    for (const command of commands) this.locks.obey(command);
    const asked = commands.flatMap((command) => (command.type === 'wantLocks' ? [command] : []));
    for (const entry of this.locks.answers(asked)) this.agenda.schedule(this.nowMs, { ...entry, id: this.agenda.nextId() });
    if (commands.some(({ type }) => type === 'wantAdmission')) {
      const atMs = START_MS + (this.options.admittedAfterMs ?? 0);
      if (atMs > this.nowMs) this.agenda.schedule(this.nowMs, { id: this.agenda.nextId(), kind: 'admission', admitted: false });
      this.agenda.schedule(Math.max(this.nowMs, atMs), { id: this.agenda.nextId(), kind: 'admission', admitted: true });
    }
  }

  private obey(command: Command): void {
    this.commands.push(command);
    if (command.type === 'saveMemo') {
      this.facts.set(factId({ kind: 'memo', ...command.at }), { kind: 'memo', entry: command.entry });
    } else if (command.type === 'runPod') {
      this.pods.run(command.order, this.nowMs);
    } else if (command.type === 'createClaim') {
      const report = { nodeId: command.orderId, incarnation: command.incarnation, phase: 'Succeeded' } as const;
      this.agenda.schedule(this.nowMs, { id: this.agenda.nextId(), kind: 'pod', report });
    } else if (command.type === 'stopPod') {
      this.pods.stop(command, this.nowMs);
    }
  }
}

/** Runs a workflow of the image `sim` to its end, in virtual time and in an order that the seed determines. */
export const runSimulated = (workflow: Workflow, options: SimulationOptions = {}): SimulatedRun =>
  new Simulation(workflow, options).run();
