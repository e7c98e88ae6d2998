import { matchesLabels, type LabelRequirement, type WorkflowChange } from '#libs/store';
import type { Workflow } from '#libs/workflow-spec';

/** What a watch selects. */
export interface WatchSelection {
  /** '' for all. */
  namespace: string;
  name: string | undefined;
  labels: readonly LabelRequirement[];
}

export type WatchEventType = 'ADDED' | 'MODIFIED' | 'DELETED';

const isSelected = (selection: WatchSelection, { metadata }: Workflow): boolean =>
  (selection.namespace === '' || metadata.namespace === selection.namespace) &&
  (selection.name === undefined || metadata.name === selection.name) &&
  matchesLabels(selection.labels, metadata.labels ?? {});

/** More workflows with unsent changes than this, and the client is told to come back: it cannot keep up. */
const MAX_PENDING = 20_000;

/**
 * What one client of a watch has been told, and what it has not been told yet. Holds uids and versions, never objects: a change is
 * remembered by its uid only, so many changes of one workflow are one, and the memory of a slow client is bounded (`isOverrun`).
 */
export class WorkflowWatch {
  /** By uid: the resourceVersion that the client has seen last. */
  private readonly told = new Map<string, string>();
  private pending = new Map<string, WorkflowChange>();
  private wake: (() => void) | undefined;

  constructor(private readonly selection: WatchSelection) {}

  get isOverrun(): boolean {
    return this.pending.size > MAX_PENDING;
  }

  note(change: WorkflowChange): void {
    this.pending.set(change.uid, change);
    this.wake?.();
  }

  /** The changes noted so far, which are forgotten here. */
  take(): WorkflowChange[] {
    const changes = [...this.pending.values()];
    this.pending = new Map();
    return changes;
  }

  /** Resolves when a change was noted, or after `timeoutMs`, or when the signal aborts. */
  async waitForChange(timeoutMs: number, signal: AbortSignal): Promise<void> {
    if (this.pending.size > 0 || signal.aborted) return;
    await new Promise<void>((resolve) => {
      const finish = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', finish);
        this.wake = undefined;
        resolve();
      };
      const timer = setTimeout(finish, timeoutMs);
      signal.addEventListener('abort', finish);
      this.wake = finish;
    });
  }

  /** What the client has to be told of a workflow as it is now; undefined: nothing. */
  eventFor(workflow: Workflow): WatchEventType | undefined {
    const { uid = '', resourceVersion = '' } = workflow.metadata;
    const known = this.told.get(uid);
    if (!isSelected(this.selection, workflow)) {
      // It has left the selection: for this client that is its end.
      return this.told.delete(uid) ? 'DELETED' : undefined;
    }
    if (known === resourceVersion) return undefined;
    this.told.set(uid, resourceVersion);
    return known === undefined ? 'ADDED' : 'MODIFIED';
  }

  /** Takes a workflow as known without telling it: the client has it from its list. */
  skip(uid: string, resourceVersion: string): void {
    this.told.set(uid, resourceVersion);
  }

  isBehind(uid: string, resourceVersion: string): boolean {
    return this.told.get(uid) !== resourceVersion;
  }

  /** True where the client knew it. */
  forget(uid: string): boolean {
    return this.told.delete(uid);
  }
}
