import { renderWorkflow } from '#libs/engine';
import { type Archive, type HandoffRepository, type LoadedState, matchesLabels, type WorkflowStateRepository } from '#libs/store';
import type { WorkflowObjects } from '#libs/resources';
import type { ArchivePolicy } from '../archive-policy.js';
import { ArchivingStatus, type Clock, LabelName, type Workflow } from '#libs/workflow-spec';

export interface ArchivingSettings {
  /** Resolves when `policy` is what the controller says. */
  known(): Promise<void>;
  /** As it is now. */
  policy(): Pick<ArchivePolicy, 'enabled' | 'labels'>;
}

export interface ArchivingPorts {
  states: Pick<WorkflowStateRepository, 'load'>;
  archive: Pick<Archive, 'upsert' | 'skip'>;
  handoffs: Pick<HandoffRepository, 'complete'>;
  clock: Clock;
  /** Objects on a cluster, whose label says that they are archived; absent: there is no cluster. */
  objects?: Pick<WorkflowObjects, 'setLabel'> | undefined;
}

/**
 * Puts a finished workflow into the archive, exactly one row however often it is asked. Crash points: before the write nothing has
 * happened; the write itself is one statement (row, labels, mark, handoff). A workflow that a retry has opened again since is left
 * alone: its next end is handed over anew.
 */
export class ArchivingService {
  constructor(
    private readonly ports: ArchivingPorts,
    private readonly settings: ArchivingSettings,
  ) {}

  async archive(uid: string): Promise<void> {
    const { states, archive, handoffs, clock } = this.ports;
    await this.settings.known();
    const state = await states.load(uid);
    if (!state) return;
    if (!state.completed) return handoffs.complete('archive', uid, state.version);
    if (state.archiving !== 'Pending') return;
    const workflow = toArchived(state);
    if (!this.isWanted(workflow)) return archive.skip(uid, state.version, clock.nowMs());
    await archive.upsert({ workflow, createdAtMs: state.createdAtMs, version: state.version, nowMs: clock.nowMs() });
    const { namespace = '', name = '' } = workflow.metadata;
    await this.ports.objects?.setLabel({ uid, namespace, name }, LabelName.archivingStatus, ArchivingStatus.Archived);
  }

  private isWanted(workflow: Workflow): boolean {
    const { enabled, labels } = this.settings.policy();
    return enabled && matchesLabels(labels, workflow.metadata.labels ?? {});
  }
}

/** As Argo stores it: with its nodes, and labelled `Persisted` (Argo v4.1 persist/sqldb/workflow_archive.go). */
function toArchived(state: LoadedState): Workflow {
  const workflow = renderWorkflow(state.submitted, state.header, state.nodes);
  const labels = { ...workflow.metadata.labels, [LabelName.archivingStatus]: ArchivingStatus.Persisted };
  return { ...workflow, metadata: { ...workflow.metadata, labels, resourceVersion: String(state.revision), generation: 1 } };
}
