import {
  createWorkflowState,
  decide,
  factId,
  importWorkflow,
  markCommitted,
  refreshWorkflowState,
  renderWorkflow,
  restoreWorkflowState,
  type Command,
  type Decision,
  type EngineConfig,
  type FactKey,
  type FactValue,
  type InboxEntry,
  type NodeRow,
  type PodOrder,
  type SubmittedWorkflow,
  type WorkflowHeader,
  type WorkflowRequest,
  type WorkflowState,
} from '#libs/engine';
import { isFinishedWorkflowPhase, type TypedObject, type Workflow, type WorkflowSpec } from '#libs/workflow-spec';
import type { PlayedPod } from './sim-pod.js';
import { SimulatedLocks } from './simulated-locks.js';
import { type FoundPod, SimulatedPods } from './simulated-pods.js';

/** How a run is played; everything left out is as calm as can be. */
export interface SimulationOptions {
  /** Templates, ConfigMaps and the like that exist beside the workflow. */
  others?: readonly TypedObject[];
  /** What is known beside them, by `factId`. */
  facts?: ReadonlyMap<string, FactValue>;
  /** Order of events that are due at the same time; without it the order in which pods were ordered. */
  seed?: number;
  /** Forgets the state in memory before every decision and makes it anew from the rows. */
  forgetful?: boolean;
  /** Decides now here and now in a second replica, as the seed says; each reads only what the other has stored since. */
  replicas?: boolean;
  /** Loses every n-th decision before it is stored, as a crash would, and decides again from the rows. */
  losingEvery?: number;
  /** Decides once more with nothing new after every decision; throws where that changes anything. */
  decidingTwice?: boolean;
  /** Gives every report twice, and one of a pod that never was. */
  repeating?: boolean;
  /** Gives each pod's events one by one, also those that are due at once. */
  oneByOne?: boolean;
  /** Tells of a pod only how it ended, and when it began; daemons say that they run. */
  endsOnly?: boolean;
  maxChanges?: number;
  config?: Partial<EngineConfig>;
  /** Requests by the moment at which they are made, in milliseconds after the start. */
  requests?: readonly { atMs: number; request: WorkflowRequest }[];
  /** Called with every decision, before it is taken over. */
  onDecision?: (decision: Decision, state: WorkflowState) => void;
  /** Other workflows that hold locks at first: one permit of the lock of this name each, until so long after the start. */
  lockedByOthers?: readonly { lock: string; untilMs: number }[];
  /** Limits of database semaphores by `<namespace>/<key>`. */
  syncLimits?: Readonly<Record<string, number>>;
  /** The workflow has to be admitted, and is so long after the start. */
  admittedAfterMs?: number;
  /** How a pod ends; the default plays the arguments of the image `sim`. */
  play?: (order: PodOrder) => PlayedPod;
  /** Most decisions before the run is given up. */
  mostDecisions?: number;
  /** Begins with an object that was found with a status, and with the pods that were there. */
  found?: { workflow: Workflow; pods: readonly FoundPod[] };
  /**
   * Loses memory and rows in front of this decision, and begins again from the status as it was shown so many decisions before (default 0);
   * the pods are those of before. `maxChanges`: where the decisions that take the status up again are cut.
   */
  lost?: { atDecision: number; behind?: number; maxChanges?: number };
}

/** What a run left behind. */
export interface SimulatedRun {
  workflow: Workflow;
  decisions: number;
  ended: boolean;
  commands: Command[];
  rows: Map<string, NodeRow>;
  /** How often a pod was made for each node; adopted ones do not count. */
  made: ReadonlyMap<string, number>;
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

/** The place of an event among those of the same moment: it depends on what it is about, not on when it was planned. */
const rankOf = (seed: number, entry: InboxEntry): number => {
  const subject = entry.kind === 'pod' ? `${entry.report.nodeId}/${entry.report.incarnation}/${entry.report.phase}` : entry.id;
  let hash = seed;
  for (const letter of subject) hash = Math.imul(hash ^ (letter.codePointAt(0) ?? 0), 16_777_619);
  return seededRandom(hash)();
};

interface Event {
  atMs: number;
  rank: number;
  entry: InboxEntry;
  /** What happens outside of the workflow at that moment. */
  effect?: () => void;
}

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

const factOf = (key: FactKey, { others = [], syncLimits = {} }: SimulationOptions): FactValue => {
  if (key.kind === 'memo' || key.kind === 'baseline' || key.kind === 'artifactRepository') return null;
  if (key.kind === 'syncLimit') {
    const limit = syncLimits[`${key.namespace}/${key.key}`];
    return limit === undefined ? null : { kind: 'text', value: String(limit) };
  }
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
  private submitted: SubmittedWorkflow;
  private readonly locks: SimulatedLocks;
  private header: WorkflowHeader | undefined;
  private state: WorkflowState;
  private serial = 0;
  private decisions = 0;
  private readonly pods: SimulatedPods;
  private readonly turns: () => number;
  /** The replica that does not decide now, and what it has not read yet. */
  private waiting: { state?: WorkflowState; nodes: Map<string, NodeRow>; removed: Set<string> } = {
    nodes: new Map(),
    removed: new Set(),
  };
  /** What was shown before each decision, where it is to be lost. */
  private readonly shown: Workflow[] = [];

  constructor(
    workflow: Workflow,
    private readonly options: SimulationOptions,
  ) {
    this.config = { ...DEFAULT_CONFIG, ...options.config };
    this.submitted = submittedFrom(workflow);
    for (const [id, value] of options.facts ?? []) this.facts.set(id, value);
    this.state = createWorkflowState(this.config, this.submitted);
    this.turns = seededRandom(options.seed ?? 0);
    const { play, endsOnly } = options;
    this.pods = new SimulatedPods({
      ...(play === undefined ? {} : { play }),
      ...(endsOnly === undefined ? {} : { endsOnly }),
      tell: (atMs, entry) => this.schedule(atMs, { ...entry, id: this.nextId() }),
    });
    if (options.found !== undefined) this.find(options.found);
    const others = options.lockedByOthers ?? [];
    const names = [...new Set(others.map(({ lock }) => lock))];
    this.locks = new SimulatedLocks(
      Object.fromEntries(names.map((name) => [name, others.filter(({ lock }) => lock === name).length])),
    );
    for (const { lock, untilMs } of others) {
      this.schedule(START_MS + untilMs, { id: this.nextId(), kind: 'poke' }, () => {
        this.locks.freeStranger(lock);
        this.tellAboutLocks([]);
      });
    }
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
      made: this.pods.made,
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

  private schedule(atMs: number, entry: InboxEntry, effect?: () => void): void {
    const rank = this.options.seed === undefined ? this.serial : rankOf(this.options.seed, entry);
    const event: Event = { atMs, rank, entry, ...(effect === undefined ? {} : { effect }) };
    let at = this.events.length;
    while (at > 0 && isAfter(this.events[at - 1], event)) at -= 1;
    this.events.splice(at, 0, event);
  }

  private takeDue(): InboxEntry[] {
    const due: InboxEntry[] = [];
    while (this.events.length > 0 && (this.events[0]?.atMs ?? Infinity) <= this.nowMs) {
      const event = this.events.shift();
      event?.effect?.();
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
    const nodes = [...this.rows.values()];
    this.state = restoreWorkflowState(this.config, this.submitted, {
      header: this.header,
      nodes: this.options.replicas === true ? structuredClone(nodes) : nodes,
    });
  }

  /** Lets the other replica decide, or not. */
  private takeTurns(): void {
    if (this.header === undefined || this.turns() < 0.5) return;
    const { state, nodes, removed } = this.waiting;
    this.waiting = { state: this.state, nodes: new Map(), removed: new Set() };
    if (state === undefined) {
      this.restore();
      return;
    }
    const unread = structuredClone([...nodes.values()]);
    refreshWorkflowState(state, { header: this.header, nodes: unread, removedNodeIds: [...removed] });
    this.state = state;
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
    const requests = this.events.filter(({ entry }) => entry.kind === 'request');
    this.events.splice(0, this.events.length, ...requests);
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
    return [entry, { id: this.nextId(), kind: 'pod', report: stranger }, { ...entry, id: this.nextId() }];
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
    for (const id of decision.removedNodeIds) {
      this.rows.delete(id);
      this.waiting.nodes.delete(id);
      this.waiting.removed.add(id);
    }
    for (const row of decision.nodes) {
      this.rows.set(row.id, row);
      this.waiting.nodes.set(row.id, row);
    }
    for (const command of decision.commands) this.obey(command);
    this.tellAboutLocks(decision.commands);
    markCommitted(this.state);
  }

  private tellAboutLocks(commands: readonly Command[]): void {
    for (const command of commands) this.locks.obey(command);
    const asked = commands.flatMap((command) => (command.type === 'wantLocks' ? [command] : []));
    for (const entry of this.locks.answers(asked)) this.schedule(this.nowMs, { ...entry, id: this.nextId() });
    if (commands.some(({ type }) => type === 'wantAdmission')) {
      const atMs = START_MS + (this.options.admittedAfterMs ?? 0);
      if (atMs > this.nowMs) this.schedule(this.nowMs, { id: this.nextId(), kind: 'admission', admitted: false });
      this.schedule(Math.max(this.nowMs, atMs), { id: this.nextId(), kind: 'admission', admitted: true });
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
      this.schedule(this.nowMs, { id: this.nextId(), kind: 'pod', report });
    } else if (command.type === 'stopPod') {
      this.pods.stop(command, this.nowMs);
    }
  }
}

const isAfter = (left: Event | undefined, right: Event): boolean =>
  left !== undefined && (left.atMs > right.atMs || (left.atMs === right.atMs && left.rank > right.rank));

/** Runs a workflow of the image `sim` to its end, in virtual time and in an order that the seed determines. */
export const runSimulated = (workflow: Workflow, options: SimulationOptions = {}): SimulatedRun =>
  new Simulation(workflow, options).run();
