import { nodeId, type NodeStatus, type WorkflowSpec } from '#libs/workflow-spec';
import type { Command, EngineConfig, NodeRow, RequestOutcome, SubmittedWorkflow, WorkflowHeader } from '../contract.js';
import { DamagedStateError } from '../errors.js';
import { isLockWork } from '../synchronization/lock-memory.js';
import { giveBack, releaseEnded } from '../synchronization/node-locks.js';
import { effectiveSpecOf } from '../workflow/controller-defaults.js';
import { Counters, slotsOf } from './counters.js';
import { DerivedValues } from './derived-values.js';
import type { NodeMemory } from './node-memory.js';
import { rowFromTreeNode, treeNodeFromRow, type TreeNode } from './tree-node.js';
import { UnfollowedEnds } from './unfollowed-ends.js';
import { Wakeups } from './wakeups.js';

/** Everything that a decision changed and that a commit has not yet taken. */
export interface PendingChanges {
  header: boolean;
  nodes: Set<string>;
  removed: Set<string>;
  commands: Command[];
  outcomes: RequestOutcome[];
  consumed: Set<string>;
}

const noChanges = (): PendingChanges => ({
  header: false,
  nodes: new Set(),
  removed: new Set(),
  commands: [],
  outcomes: [],
  consumed: new Set(),
});

/** The spec with arguments replaced that a retry brought along. */
const withParameters = (spec: WorkflowSpec, values: Readonly<Record<string, string>>): WorkflowSpec => {
  const others = (spec.arguments?.parameters ?? []).filter(({ name }) => values[name] === undefined);
  const parameters = [...others, ...Object.entries(values).map(([name, value]) => ({ name, value }))];
  return { ...spec, arguments: { ...spec.arguments, parameters } };
};

/** What a new node is made of. */
export interface NewNode {
  status: Omit<NodeStatus, 'children' | 'id'>;
  memory: NodeMemory;
  parents: readonly string[];
}

/**
 * One workflow in memory: its nodes by id, and indices that are kept by adding and taking away single nodes, so that an event costs what it changes.
 * Working copy of the scheduler: decisions change it in place; changes add up until `committed`, and where a commit fails the whole object is dropped.
 */
export class WorkflowState {
  readonly nodes = new Map<string, TreeNode>();
  readonly counters = new Counters();
  readonly derived = new DerivedValues();
  readonly wakeups = new Wakeups();
  /** Containers that could not go on for a reason outside of their children; looked at again by the next decision. */
  readonly deferred = new Map<string, 'budget' | 'fact' | 'restored'>();
  /** Those of them whose turn in the present decision is still to come. */
  readonly resuming = new Set<string>();
  readonly unfollowed = new UnfollowedEnds();
  /** Containers that wait for a slot, in the order in which they began to. */
  readonly waitingForSlot = new Set<string>();
  /** Nodes that have their locks and have not gone in, or have to ask for them again. */
  readonly lockWork = new Set<string>();
  /** Nodes that have gone in and hold their locks. */
  readonly lockHolders = new Set<string>();
  pending = noChanges();
  private readonly idsByName = new Map<string, string>();
  private readonly owned = new Map<string, string[]>();
  private nextOrdinal = 0;

  constructor(
    /** As it is now; whoever decides sets it before. */
    public config: EngineConfig,
    readonly submitted: SubmittedWorkflow,
    public header: WorkflowHeader,
  ) {}

  get name(): string {
    return this.submitted.metadata.name ?? '';
  }
  get namespace(): string {
    return this.submitted.metadata.namespace ?? '';
  }
  /** The spec that runs: the submitted one, or the merged one where it names a WorkflowTemplate. */
  get spec(): WorkflowSpec {
    const spec = effectiveSpecOf(this.submitted, this.header);
    const overridden = this.header.internal['parameters'] as Record<string, string> | undefined;
    if (overridden === undefined || Object.keys(overridden).length === 0) return spec;
    return this.derived.of('', 'spec', () => withParameters(spec, overridden));
  }
  get root(): TreeNode | undefined {
    return this.nodes.get(this.name);
  }

  find(id: string | undefined): TreeNode | undefined {
    return id === undefined ? undefined : this.nodes.get(id);
  }
  get(id: string): TreeNode {
    const node = this.nodes.get(id);
    if (node === undefined) throw new DamagedStateError(`workflow ${this.name} has no node ${id}`);
    return node;
  }
  byName(name: string): TreeNode | undefined {
    return this.find(this.idsByName.get(name));
  }
  /**
   * The id of the node of this name, or the one that it would get: Argo's hash of the name. Where another node has it already (one pair in
   * twenty thousand names, now and then), the hash of a longer text; Argo takes the two for one and leaves one out.
   */
  idFor(name: string): string {
    const known = this.idsByName.get(name);
    if (known !== undefined) return known;
    let id = nodeId(this.name, name);
    for (let more = 1; this.nodes.has(id); more += 1) id = nodeId(this.name, `${name}\u0000${more}`);
    return id;
  }
  /** Nodes that this one started, in the order of their creation; '' gives the root and the workflow's exit handler. */
  ownedBy(ownerId: string): TreeNode[] {
    return (this.owned.get(ownerId) ?? []).map((id) => this.get(id));
  }
  /** The last node that this one started; with a test, the last that passes it. */
  lastOwned(ownerId: string, isMeant: (node: TreeNode) => boolean = () => true): TreeNode | undefined {
    const ids = this.owned.get(ownerId) ?? [];
    for (let at = ids.length - 1; at >= 0; at -= 1) {
      const node = this.find(ids[at]);
      if (node !== undefined && isMeant(node)) return node;
    }
    return undefined;
  }
  children(node: TreeNode): TreeNode[] {
    return node.children.map((id) => this.get(id));
  }

  create(input: NewNode): TreeNode {
    const id = this.idFor(input.status.name);
    const waiting = this.nodes.get(id);
    if (waiting?.memory.lock === 'held') return this.enterLocked(waiting, input);
    const node: TreeNode = {
      id,
      ordinal: this.nextOrdinal,
      parents: [],
      children: [],
      status: { id, ...input.status },
      memory: input.memory,
    };
    this.insert(node);
    this.link(input.parents, node);
    return node;
  }

  /** Makes the node a child of others; repeated links change nothing. */
  link(parentIds: readonly string[], child: TreeNode): void {
    const known = new Set(child.parents);
    for (const parentId of parentIds) {
      if (known.has(parentId)) continue;
      known.add(parentId);
      child.parents.push(parentId);
      this.get(parentId).children.push(child.id);
    }
    this.touch(child);
  }

  /** Changes a node and keeps all indices true. */
  change(node: TreeNode, mutate: () => void): void {
    const slots = slotsOf(node);
    this.counters.remove(node);
    mutate();
    if (node.memory.lock !== undefined) releaseEnded(this, node);
    this.counters.add(node);
    this.counters.noteFreed(slots, slotsOf(node));
    this.wakeups.set(node.id, node.memory.wakeAtMs);
    this.noteLockWork(node);
    this.touch(node);
  }

  touch(node: TreeNode): void {
    this.pending.nodes.add(node.id);
  }

  changeHeader(mutate: (header: WorkflowHeader) => void): void {
    mutate(this.header);
    this.pending.header = true;
  }

  /** Takes the node out of the tree, edges to its children included. */
  remove(node: TreeNode): void {
    giveBack(this, node, 'released');
    this.forget(node);
    for (const child of this.children(node)) {
      const at = child.parents.indexOf(node.id);
      if (at >= 0) child.parents.splice(at, 1);
      this.touch(child);
    }
    this.pending.nodes.delete(node.id);
    this.pending.removed.add(node.id);
  }

  /** Loads rows of any order: new ones are added, known ones replaced, edges made when both ends are there. */
  load(rows: readonly NodeRow[]): void {
    const loaded = [...rows].sort((left, right) => left.ordinal - right.ordinal).map(treeNodeFromRow);
    const known = new Set(loaded.filter((node) => this.nodes.has(node.id)).map((node) => node.id));
    for (const node of loaded) this.replace(node);
    for (const node of loaded) {
      for (const parent of node.parents) {
        const { children } = this.get(parent);
        if (!known.has(node.id) || !children.includes(node.id)) children.push(node.id);
      }
    }
  }

  pendingRows(): NodeRow[] {
    return [...this.pending.nodes]
      .map((id) => this.get(id))
      .sort((left, right) => left.ordinal - right.ordinal)
      .map(rowFromTreeNode);
  }

  committed(): void {
    this.pending = noChanges();
  }

  /** The node that waited in front of its template becomes what the template makes of it. */
  private enterLocked(node: TreeNode, { status, memory }: NewNode): TreeNode {
    this.derived.drop(node.id);
    this.change(node, () => {
      const { lock, lockAttempt } = node.memory;
      const { startedAt = null } = node.status;
      node.status = { id: node.id, ...status, startedAt };
      node.memory = { ...memory, ...(lock === undefined ? {} : { lock }), ...(lockAttempt === undefined ? {} : { lockAttempt }) };
      node.memory.lockEntered = true;
    });
    return node;
  }

  private noteLockWork(node: TreeNode): void {
    if (isLockWork(node.memory)) this.lockWork.add(node.id);
    else this.lockWork.delete(node.id);
    if (node.memory.lock === 'held' && node.memory.lockEntered === true) this.lockHolders.add(node.id);
    else this.lockHolders.delete(node.id);
  }

  private insert(node: TreeNode): void {
    this.nodes.set(node.id, node);
    this.idsByName.set(node.status.name, node.id);
    this.nextOrdinal = Math.max(this.nextOrdinal, node.ordinal + 1);
    this.counters.add(node);
    this.wakeups.set(node.id, node.memory.wakeAtMs);
    this.noteLockWork(node);
    const owned = this.owned.get(node.memory.owner);
    if (owned === undefined) this.owned.set(node.memory.owner, [node.id]);
    else owned.push(node.id);
    this.pending.removed.delete(node.id);
    this.touch(node);
  }

  private forget(node: TreeNode): void {
    this.counters.remove(node);
    this.counters.noteFreed(slotsOf(node), []);
    this.wakeups.set(node.id, undefined);
    this.derived.drop(node.id);
    this.lockWork.delete(node.id);
    this.lockHolders.delete(node.id);
    this.nodes.delete(node.id);
    this.idsByName.delete(node.status.name);
    const owned = this.owned.get(node.memory.owner);
    owned?.splice(owned.indexOf(node.id), 1);
    for (const parent of node.parents) {
      const siblings = this.nodes.get(parent)?.children;
      siblings?.splice(siblings.indexOf(node.id), 1);
    }
  }

  private replace(node: TreeNode): void {
    const before = this.nodes.get(node.id);
    if (before === undefined) {
      this.insert(node);
    } else {
      node.children.push(...before.children);
      this.counters.remove(before);
      this.derived.drop(node.id);
      this.nodes.set(node.id, node);
      this.counters.add(node);
      this.counters.noteFreed(slotsOf(before), slotsOf(node));
      this.wakeups.set(node.id, node.memory.wakeAtMs);
      this.noteLockWork(node);
    }
    this.pending.nodes.delete(node.id);
  }
}
