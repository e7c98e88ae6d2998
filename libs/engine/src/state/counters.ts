import { isDaemoned, isFailedOrErrorPhase, isFulfilled, NodePhase, NodeType } from '#libs/workflow-spec';
import { isShownAsGroup } from '../node-tree/shown-group.js';
import { isLockedOut } from '../synchronization/lock-memory.js';
import type { TreeNode } from './tree-node.js';

/** What limits ask about the nodes directly inside one Steps or DAG node. */
export interface BoundaryCount {
  activePods: number;
  /** Pod, Steps and DAG nodes that are Pending or Running. */
  activeChildren: number;
  /** Pod, Steps and DAG nodes that Failed or are in Error. */
  unsuccessful: number;
}

const PARALLEL_TYPES: ReadonlySet<string> = new Set([NodeType.Pod, NodeType.Steps, NodeType.DAG]);
const isActivePhase = (phase: string | undefined): boolean => phase === NodePhase.Pending || phase === NodePhase.Running;

const ORDERED_TYPES: ReadonlySet<string> = new Set([NodeType.Pod, NodeType.HTTP, NodeType.Plugin]);

/** Whether nodes of this type are work that somebody outside is ordered to do, and reports on. */
export const isOrderedType = (type: NodeType): boolean => ORDERED_TYPES.has(type);

/**
 * Work that has been ordered and has not ended: a pod or a task. What waits for a lock has not been ordered. A ready daemon is done for those who
 * wait, and takes no slot: in Argo it does, and a template whose `parallelism` it fills waits for ever.
 */
export const isActiveOrder = (node: TreeNode): boolean =>
  isOrderedType(node.status.type) && isActivePhase(node.status.phase) && !isLockedOut(node.memory) && !isDaemoned(node.status);

/** A pod that has been ordered and has not ended. */
export const isActivePod = (node: TreeNode): boolean => node.status.type === NodeType.Pod && isActiveOrder(node);

/** Counts as running inside of its boundary; what waits for a lock takes no slot (Argo's countActiveChildren). */
const isActiveChild = (node: TreeNode): boolean =>
  isActivePhase(node.status.phase) && !isLockedOut(node.memory) && !isDaemoned(node.status);

/** Where the node takes up a slot: '' for one of the workflow's, the id of its boundary for one of the template's. */
export const slotsOf = (node: TreeNode): string[] => [
  ...(isActivePod(node) ? [''] : []),
  ...(node.status.boundaryID !== undefined && PARALLEL_TYPES.has(node.status.type) && isActiveChild(node)
    ? [node.status.boundaryID]
    : []),
];

const OWN_PROGRESS: ReadonlySet<string> = new Set([NodeType.Pod, NodeType.Container, NodeType.Suspend]);

/** Whether nodes of this type do work themselves; the progress of all others is a sum. */
export const hasOwnProgress = (type: NodeType): boolean => OWN_PROGRESS.has(type);

/** Progress after success: all of it done. */
export const completeProgress = (progress: string | undefined): string => {
  const total = (progress ?? '0/1').split('/')[1] ?? '1';
  return `${total}/${total}`;
};

const progressOf = (node: TreeNode): [number, number] => {
  if (!hasOwnProgress(node.status.type) || isShownAsGroup(node.memory)) return [0, 0];
  const [done = 0, total = 1] = (node.status.progress ?? '0/1').split('/').map(Number);
  return [done, total];
};

/** Sums over all nodes, kept up to date by adding and taking away single nodes, so that no question needs a scan. */
export class Counters {
  activePods = 0;
  /** Pods and tasks. */
  activeOrders = 0;
  runningPods = 0;
  pods = 0;
  /** Ids of the daemons that are ready and have not been ended. */
  readonly daemons = new Set<string>();
  progressDone = 0;
  progressTotal = 0;
  /** Boundaries in which a slot has become free since this was last emptied; '' where one of the workflow's has. */
  readonly freed = new Set<string>();
  private readonly boundaries = new Map<string, BoundaryCount>();
  private readonly openByOwner = new Map<string, number>();

  /** Notes the slots that a node had before a change, or before its removal, and has no longer. */
  noteFreed(before: readonly string[], after: readonly string[]): void {
    for (const scope of before) if (!after.includes(scope)) this.freed.add(scope);
  }

  add(node: TreeNode): void {
    this.count(node, 1);
  }
  remove(node: TreeNode): void {
    this.count(node, -1);
  }

  boundary(id: string): Readonly<BoundaryCount> {
    return this.boundaries.get(id) ?? { activePods: 0, activeChildren: 0, unsuccessful: 0 };
  }

  /** How many nodes started by this one have not been fulfilled. */
  open(ownerId: string): number {
    return this.openByOwner.get(ownerId) ?? 0;
  }

  private noteDaemon(id: string, sign: 1 | -1): void {
    if (sign === 1) this.daemons.add(id);
    else this.daemons.delete(id);
  }

  private count(node: TreeNode, sign: 1 | -1): void {
    const { status, memory } = node;
    if (!isFulfilled(status)) this.openByOwner.set(memory.owner, this.open(memory.owner) + sign);
    if (isDaemoned(status)) this.noteDaemon(node.id, sign);
    const [done, total] = progressOf(node);
    this.progressDone += sign * done;
    this.progressTotal += sign * total;
    const pod = isActivePod(node) ? sign : 0;
    this.activePods += pod;
    if (isActiveOrder(node)) this.activeOrders += sign;
    if (status.type === NodeType.Pod) this.pods += sign;
    if (status.phase === NodePhase.Running) this.runningPods += pod;
    if (status.boundaryID === undefined || !PARALLEL_TYPES.has(status.type)) return;
    const before = this.boundary(status.boundaryID);
    this.boundaries.set(status.boundaryID, {
      activePods: before.activePods + pod,
      activeChildren: before.activeChildren + (isActiveChild(node) ? sign : 0),
      unsuccessful: before.unsuccessful + (isFailedOrErrorPhase(status.phase) ? sign : 0),
    });
  }
}
