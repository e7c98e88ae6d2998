import type { NodeRow } from '#libs/engine';
import type { Logger } from '#libs/observability';
import type { WorkflowNotice, WorkflowObjectKey, WorkflowObjects } from '#libs/resources';
import type { Clock, Condition, ControllerConfig, WorkflowStatus } from '#libs/workflow-spec';
import { collectionNotice, nodeNotice, workflowNotice } from './notices.js';

/** What a commit changed, as far as it may be told. */
export interface ToldChange {
  key: WorkflowObjectKey;
  /** Present where the workflow has come into another phase. */
  status?: Pick<WorkflowStatus, 'phase' | 'message' | 'startedAt' | 'finishedAt'> | undefined;
  /** Present where the commit wrote the workflow's status. */
  conditions?: readonly Condition[] | undefined;
  nodes: readonly NodeRow[];
  /** `v1` or `v2`: how the workflow's pods are named; absent: v2. */
  podNames?: string | undefined;
}

/** What events are told through. */
export interface EventTellerPorts {
  objects: Pick<WorkflowObjects, 'tell'>;
  clock: Clock;
  logger: Logger;
  /** The controller's `workflowEvents` and `nodeEvents` as they are now. */
  config: () => Pick<ControllerConfig, 'workflowEvents' | 'nodeEvents'>;
}

/** Nodes whose phase was told last. */
const MOST_NODES = 20_000;
/** Workflows whose failing collection was told last. */
const MOST_COLLECTIONS = 1_000;
/** Notices that wait; more are dropped, as they are no more than a help to people. */
const MOST_WAITING = 1_000;
const AT_ONCE = 2;

/**
 * Tells phases of workflows and nodes as events of the cluster, after the commit that they come from and without holding it up: at most
 * once, as whoever tells a phase again, in this process or another, gives its event the same name. States: idle, telling (two at a time, in order).
 */
export class EventTeller {
  private readonly phases = new Map<string, string>();
  private readonly collections = new Map<string, string>();
  private readonly waiting: { notice: WorkflowNotice; atMs: number }[] = [];
  private telling = 0;

  constructor(private readonly ports: EventTellerPorts) {}

  /** Returns at once. */
  committed(change: ToldChange): void {
    const { key, status, conditions } = change;
    const { workflowEvents, nodeEvents } = this.ports.config();
    const isFirst = status?.phase === 'Running';
    const workflow = status && workflowEvents?.enabled !== false ? workflowNotice(status) : undefined;
    if (isFirst && workflow) this.add({ key, ...workflow });
    if (nodeEvents?.enabled !== false) this.addNodes(change, nodeEvents?.sendAsPod === true);
    if (!isFirst && workflow) this.add({ key, ...workflow });
    if (conditions && workflowEvents?.enabled !== false) this.addCollection(key, conditions);
  }

  private addCollection(key: WorkflowObjectKey, conditions: readonly Condition[]): void {
    const notice = collectionNotice(conditions);
    const isTold = this.collections.get(key.uid) === notice?.message;
    if (isTold) return;
    this.collections.delete(key.uid);
    if (notice === undefined) return;
    this.collections.set(key.uid, notice.message);
    this.add({ key, ...notice });
    const [oldest] = this.collections.keys();
    if (this.collections.size > MOST_COLLECTIONS && oldest !== undefined) this.collections.delete(oldest);
  }

  private addNodes({ key, nodes, podNames }: ToldChange, isAboutPod: boolean): void {
    for (const node of nodes) {
      const id = `${key.uid}/${node.id}`;
      const { phase = '' } = node.status;
      if (this.phases.get(id) === phase) continue;
      this.phases.delete(id);
      this.phases.set(id, phase);
      const notice = nodeNotice(node, { workflowName: key.name, isAboutPod, podNames });
      if (notice) this.add({ key, ...notice });
    }
    for (const oldest of this.phases.keys()) {
      if (this.phases.size <= MOST_NODES) break;
      this.phases.delete(oldest);
    }
  }

  private add(notice: WorkflowNotice): void {
    if (this.waiting.length >= MOST_WAITING) return;
    this.waiting.push({ notice, atMs: this.ports.clock.nowMs() });
    if (this.telling < AT_ONCE) void this.tell();
  }

  private async tell(): Promise<void> {
    const { objects, logger } = this.ports;
    this.telling += 1;
    for (let next = this.waiting.shift(); next !== undefined; next = this.waiting.shift()) {
      await objects.tell(next.notice, next.atMs).catch((error: unknown) => {
        logger.warn('an event could not be told', { error: error instanceof Error ? error.message : String(error) });
      });
    }
    this.telling -= 1;
  }
}
