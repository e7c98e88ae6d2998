import { renderWorkflow } from '#libs/engine';
import type { JobOutcome } from '#libs/jobs';
import {
  type EncodedRecord,
  encodeRecord,
  type HandoffRepository,
  type NodesCompression,
  type RecordMark,
  type RecordRepository,
  type WorkflowStateRepository,
} from '#libs/store';
import type { Clock, Workflow } from '#libs/workflow-spec';
import type { WorkflowObjects } from '#libs/resources';
import type { OffloadElsewhere } from '../offloading/offload-elsewhere.js';
import type { OffloadPolicy } from '../offloading/offload-policy.js';

import { projectToObject } from './object-projection.js';

export interface ProjectionSettings {
  maxSizeBytes: number;
  alwaysOffload: boolean;
  /** Default gzip. */
  compression?: NodesCompression;
  /** Shortest time between two records of a running workflow. */
  intervalMs: number;
}

export interface ProjectionPorts {
  states: Pick<WorkflowStateRepository, 'load'>;
  records: Pick<RecordRepository, 'standing' | 'write'>;
  handoffs: Pick<HandoffRepository, 'complete'>;
  /** What the controller's ConfigMap says by now; rejects with TransientError while that is not known. */
  policy: () => Promise<OffloadPolicy>;
  /** Where nodes are offloaded to if not beside our own tables; rejects with TransientError while that is not known. */
  elsewhere: () => Promise<Pick<OffloadElsewhere, 'save'> | undefined>;
  /** What the objects are to say of who wrote them; absent: nothing. */
  installation?: () => Promise<string>;
  /** Objects on a cluster, which show the record; absent: there is no cluster. */
  objects?: Pick<WorkflowObjects, 'project'> | undefined;
  clock: Clock;
}

/** A record may take at most one part in twenty of the time. */
const COST_FACTOR = 20;

/**
 * Makes the public record of a workflow catch up with its rows: at most once per interval while it runs, and at once when it has ended.
 * Crash points: before the write nothing has happened; the write itself is one statement (mark, record, offloaded nodes, handoff).
 * Nodes that go to another database go there before it: what no record comes to name is pruned there. On a cluster the object is written
 * before the mark: dying between the two, the same version is met again and only the mark is made.
 * Two at once: the mark lets the newer version win.
 */
export class ProjectionService {
  constructor(
    private readonly ports: ProjectionPorts,
    private readonly settings: ProjectionSettings,
  ) {}

  async project(uid: string): Promise<JobOutcome> {
    const { records, handoffs, clock } = this.ports;
    const standing = await records.standing(uid);
    if (!standing) return undefined;
    const { mark, visibleVersion, stateVersion, completed, createdAtMs } = standing;
    if (mark && mark.version >= visibleVersion) return handoffs.complete('record', uid, stateVersion).then(() => undefined);
    const earliestMs = this.earliestMs(mark, createdAtMs);
    if (!completed && clock.nowMs() < earliestMs) return { wakeAtMs: earliestMs };
    await this.write(uid);
    return undefined;
  }

  /** A workflow that ends within the first interval gets one record only. */
  private earliestMs(mark: RecordMark | undefined, createdAtMs: number): number {
    if (!mark) return createdAtMs + this.settings.intervalMs;
    return mark.recordedAtMs + Math.max(this.settings.intervalMs, COST_FACTOR * mark.costMs);
  }

  private async write(uid: string): Promise<void> {
    const { states, records, handoffs, clock } = this.ports;
    const startedMs = performance.now();
    const state = await states.load(uid);
    if (!state) return;
    const workflow = renderWorkflow(state.submitted, state.header, state.nodes);
    const record = await encodeRecord(workflow, { ...this.settings, ...(await this.ports.policy()) });
    const nodesElsewhere = await this.saveElsewhere(workflow, record);
    if (this.ports.objects) {
      const installation = await this.ports.installation?.();
      await projectToObject(this.ports.objects, state, { workflow, record, installation });
    }
    const outcome = await records.write({
      workflow: { uid, namespace: workflow.metadata.namespace ?? '', name: workflow.metadata.name ?? '' },
      version: state.visibleVersion,
      labels: workflow.metadata.labels ?? {},
      record,
      nodesElsewhere,
      costMs: performance.now() - startedMs,
      nowMs: clock.nowMs(),
    });
    if (outcome === 'stale') await handoffs.complete('record', uid, state.visibleVersion);
  }

  /** Gives whether the record's nodes have gone to another database. */
  private async saveElsewhere({ metadata }: Workflow, { offload }: EncodedRecord): Promise<boolean> {
    const there = offload && (await this.ports.elsewhere());
    if (!there) return false;
    const row = { ...offload, uid: metadata.uid ?? '', namespace: metadata.namespace ?? '' };
    await there.save(row, this.ports.clock.nowMs());
    return true;
  }
}
