import type { TreeNode } from './tree-node.js';

/**
 * Nodes that have ended and whose owners have not been told yet, in the order in which they are to be: ends that came together, ends by
 * request, ends while the workflow is suspended. Only in memory: after a restart every open container is looked at anyway.
 */
export class UnfollowedEnds {
  private readonly owners = new Map<string, string>();
  private readonly counts = new Map<string, number>();

  get size(): number {
    return this.owners.size;
  }

  add(node: TreeNode): void {
    if (this.owners.has(node.id)) return;
    this.owners.set(node.id, node.memory.owner);
    this.counts.set(node.memory.owner, this.of(node.memory.owner) + 1);
  }

  /** Takes out the id of the first; undefined where there is none. */
  take(): string | undefined {
    const [id, owner = ''] = this.owners.entries().next().value ?? [];
    if (id === undefined) return undefined;
    this.owners.delete(id);
    const count = this.of(owner) - 1;
    if (count === 0) this.counts.delete(owner);
    else this.counts.set(owner, count);
    return id;
  }

  /** How many members of this container are waiting to be followed. */
  of(ownerId: string): number {
    return this.counts.get(ownerId) ?? 0;
  }
}
