import { refreshWorkflowState, type NodeRow, type WorkflowHeader, type WorkflowState } from '#libs/engine';

/** The replica that does not decide now: its state in memory, and what the other has stored since it looked last. */
export class WaitingReplica {
  private state: WorkflowState | undefined;
  private readonly nodes = new Map<string, NodeRow>();
  private readonly removed = new Set<string>();

  /** The other has stored these rows and removed those. */
  hasUnread(nodes: readonly NodeRow[], removedNodeIds: readonly string[]): void {
    for (const id of removedNodeIds) {
      this.nodes.delete(id);
      this.removed.add(id);
    }
    for (const row of nodes) this.nodes.set(row.id, row);
  }

  /** Changes places with the one that has decided so far; undefined where this one has no state yet and must read all rows. */
  takeOver(decidedSoFar: WorkflowState, header: WorkflowHeader): WorkflowState | undefined {
    const own = this.state;
    if (own !== undefined) {
      const unread = structuredClone([...this.nodes.values()]);
      refreshWorkflowState(own, { header, nodes: unread, removedNodeIds: [...this.removed] });
    }
    this.state = decidedSoFar;
    this.nodes.clear();
    this.removed.clear();
    return own;
  }
}
