import {
  createWorkflowState,
  decide,
  factId,
  markCommitted,
  renderWorkflow,
  restoreWorkflowState,
  type Command,
  type Decision,
  type EngineConfig,
  type FactKey,
  type FactValue,
  type InboxEntry,
  type NodeRow,
  type SubmittedWorkflow,
  type WorkflowHeader,
  type WorkflowRequest,
  type WorkflowState,
} from '#libs/engine';
import { isFinishedWorkflowPhase, type TypedObject, type Workflow, type WorkflowSpec } from '#libs/workflow-spec';
import { playPod } from './sim-pod.js';

/** How a run is played; everything left out is as calm as can be. */
export interface SimulationOptions {
  /** Templates, ConfigMaps and the like that exist beside the workflow. */
  others?: readonly TypedObject[];
  /** Order of events that are due at the same time; without it the order in which pods were ordered. */
  seed?: number;
  /** Forgets the state in memory before every decision and makes it anew from the rows. */
  forgetful?: boolean;
  /** Loses every n-th decision before it is stored, as a crash would, and decides again from the rows. */
  losingEvery?: number;
  /** Decides once more with nothing new after every decision; throws where that changes anything. */
  decidingTwice?: boolean;
  /** Gives every report twice, and one of a pod that never was. */
  repeating?: boolean;
  /** Gives each pod's events one by one, also those that are due at once. */
  oneByOne?: boolean;
  maxChanges?: number;
  config?: Partial<EngineConfig>;
  /** Requests by the moment at which they are made, in milliseconds after the start. */
  requests?: readonly { atMs: number; request: WorkflowRequest }[];
  /** Called with every decision, before it is taken over. */
  onDecision?: (decision: Decision, state: WorkflowState) => void;
  /** Most decisions before the run is given up. */
  mostDecisions?: number;
}

/** What a run left behind. */
export interface SimulatedRun {
  workflow: Workflow;
  decisions: number;
  ended: boolean;
  commands: Command[];
  rows: Map<string, NodeRow>;
}

const START_MS = Date.parse('2024-01-01T00:00:00Z');
const DEFAULT_CONFIG: EngineConfig = {
  artifactRepository: { location: { s3: { bucket: 'my-bucket', endpoint: 'minio:9000' } } },
  podNames: 'v2',
};

/** A small generator of numbers below 1 that a seed determines (mulberry32). */
export const seededRandom = (seed: number): (() => number) => {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
};

interface Event {
  atMs: number;
  rank: number;
  entry: InboxEntry;
}

const submittedFrom = (workflow: Workflow): SubmittedWorkflow => ({
  metadata: {
    namespace: 'lab',
    uid: '00000000-0000-4000-8000-000000000001',
    creationTimestamp: '2024-01-01T00:00:00Z',
    ...workflow.metadata,
  },
  spec: workflow.spec,
});

const factOf = (key: FactKey, others: readonly TypedObject[]): FactValue => {
  const kind = {
    workflowTemplate: 'WorkflowTemplate',
    clusterWorkflowTemplate: 'ClusterWorkflowTemplate',
    configMapKey: 'ConfigMap',
  }[key.kind];
  const found = others.find((object) => object.kind === kind && object.metadata.name === key.name) as
    (TypedObject & { spec?: WorkflowSpec; data?: Record<string, string> }) | undefined;
  if (found === undefined) return null;
  if (key.kind !== 'configMapKey') return { kind: 'template', spec: found.spec ?? {} };
  const value = found.data?.[key.key];
  return value === undefined ? null : { kind: 'text', value };
};

/** Plays one workflow to its end against the engine, with pods of the image `sim` and virtual time. */
class Simulation {
  private nowMs = START_MS;
  private readonly events: Event[] = [];
  private readonly facts = new Map<string, FactValue>();
  private readonly rows = new Map<string, NodeRow>();
  private readonly commands: Command[] = [];
  private readonly config: EngineConfig;
  private readonly random: () => number;
  private readonly submitted: SubmittedWorkflow;
  private header: WorkflowHeader | undefined;
  private state: WorkflowState;
  private serial = 0;
  private decisions = 0;

  constructor(
    workflow: Workflow,
    private readonly options: SimulationOptions,
  ) {
    this.config = { ...DEFAULT_CONFIG, ...options.config };
    this.submitted = submittedFrom(workflow);
    this.state = createWorkflowState(this.config, this.submitted);
    this.random = options.seed === undefined ? () => 0 : seededRandom(options.seed);
    for (const { atMs, request } of options.requests ?? []) {
      const id = this.nextId();
      this.schedule(START_MS + atMs, { id, kind: 'request', requestId: id, request });
    }
  }

  run(): SimulatedRun {
    let wakeAtMs = this.step([]);
    const most = this.options.mostDecisions ?? 100_000;
    while (this.decisions < most && !this.isOver()) {
      const nextMs = Math.min(this.events[0]?.atMs ?? Infinity, wakeAtMs ?? Infinity);
      if (nextMs === Infinity) break;
      this.nowMs = Math.max(this.nowMs, nextMs);
      wakeAtMs = this.step(this.takeDue());
    }
    const rows = [...this.rows.values()];
    return {
      workflow: renderWorkflow(this.submitted, this.header, rows),
      decisions: this.decisions,
      ended: this.isFinished(),
      commands: this.commands,
      rows: this.rows,
    };
  }

  private isFinished(): boolean {
    return isFinishedWorkflowPhase(this.header?.status.phase);
  }
  private isOver(): boolean {
    return this.isFinished() && !this.events.some(({ entry }) => entry.kind === 'request');
  }
  private nextId(): string {
    this.serial += 1;
    return String(this.serial);
  }

  private schedule(atMs: number, entry: InboxEntry): void {
    const event = { atMs, rank: this.options.seed === undefined ? this.serial : this.random(), entry };
    let at = this.events.length;
    while (at > 0 && isAfter(this.events[at - 1], event)) at -= 1;
    this.events.splice(at, 0, event);
  }

  private takeDue(): InboxEntry[] {
    const due: InboxEntry[] = [];
    while (this.events.length > 0 && (this.events[0]?.atMs ?? Infinity) <= this.nowMs) {
      const event = this.events.shift();
      if (event !== undefined) due.push(event.entry);
      if (this.options.oneByOne === true) break;
    }
    return due;
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
    this.state = restoreWorkflowState(this.config, this.submitted, { header: this.header, nodes: [...this.rows.values()] });
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
    return [entry, { id: this.nextId(), kind: 'pod', report: stranger }, { ...entry, id: this.nextId() }];
  }

  private decideOnce(inbox: readonly InboxEntry[]): Decision {
    this.decisions += 1;
    if (this.options.forgetful === true) this.restore();
    for (;;) {
      const decision = decide(this.state, {
        inbox,
        facts: this.facts,
        nowMs: this.nowMs,
        ...(this.options.maxChanges === undefined ? {} : { maxChanges: this.options.maxChanges }),
      });
      if (decision.missing.length === 0) return decision;
      for (const key of decision.missing) this.facts.set(factId(key), factOf(key, this.options.others ?? []));
    }
  }

  private take(decision: Decision): void {
    this.options.onDecision?.(decision, this.state);
    if (decision.header !== undefined) this.header = decision.header;
    for (const id of decision.removedNodeIds) this.rows.delete(id);
    for (const row of decision.nodes) this.rows.set(row.id, row);
    for (const command of decision.commands) this.obey(command);
    markCommitted(this.state);
  }

  private obey(command: Command): void {
    this.commands.push(command);
    if (command.type === 'runPod') {
      const { report, durationMs } = playPod(command.order);
      const { nodeId, incarnation } = report;
      this.schedule(this.nowMs, {
        id: this.nextId(),
        kind: 'pod',
        report: { nodeId, incarnation, phase: 'Running', startedAtMs: this.nowMs },
      });
      const finishedAtMs = this.nowMs + durationMs;
      this.schedule(finishedAtMs, { id: this.nextId(), kind: 'pod', report: { ...report, finishedAtMs } });
    } else if (command.type === 'stopPod') {
      const { nodeId, incarnation } = command;
      const report = {
        nodeId,
        incarnation,
        phase: 'Failed',
        exitCode: 143,
        message: 'main: Error (exit code 143)',
        finishedAtMs: this.nowMs,
      } as const;
      this.schedule(this.nowMs, { id: this.nextId(), kind: 'pod', report });
    }
  }
}

const isAfter = (left: Event | undefined, right: Event): boolean =>
  left !== undefined && (left.atMs > right.atMs || (left.atMs === right.atMs && left.rank > right.rank));

/** Runs a workflow of the image `sim` to its end, in virtual time and in an order that the seed determines. */
export const runSimulated = (workflow: Workflow, options: SimulationOptions = {}): SimulatedRun =>
  new Simulation(workflow, options).run();
