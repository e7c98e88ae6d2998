import { parseTime, type NodeStatus } from '#libs/workflow-spec';

/** Seconds are all that a status has; what it lacks has begun at once. */
const startOf = ({ startedAt }: NodeStatus): number => (typeof startedAt === 'string' ? parseTime(startedAt) : 0);

/** What was there before a node was made: its parents, its owner, and the siblings that stand before it below a parent. */
const predecessorsOf = (
  nodes: Readonly<Record<string, NodeStatus>>,
  ownerOf: (id: string) => string,
): ReadonlyMap<string, string[]> => {
  const before = new Map<string, string[]>(Object.keys(nodes).map((id) => [id, []]));
  for (const [id, { children = [] }] of Object.entries(nodes)) {
    children.forEach((child, at) => {
      const sibling = children[at - 1];
      before.get(child)?.push(id, ...(sibling === undefined ? [] : [sibling]));
    });
    if (ownerOf(id) !== '') before.get(id)?.push(ownerOf(id));
  }
  return before;
};

/**
 * Ids in an order in which the nodes can have been made: parents and owners first, siblings as `children` has them, and the rest by the
 * second in which they began. Contradictions (several parents that list the same nodes differently) give way to the time.
 */
export const creationOrder = (nodes: Readonly<Record<string, NodeStatus>>, ownerOf: (id: string) => string): string[] => {
  const before = predecessorsOf(nodes, ownerOf);
  const byTime = Object.entries(nodes)
    .map(([id, node]) => ({ id, atMs: startOf(node) }))
    .sort((left, right) => left.atMs - right.atMs);
  const order: string[] = [];
  const seen = new Set<string>();
  for (const { id } of byTime) {
    const stack = [{ id, isReady: false }];
    for (let entry = stack.pop(); entry !== undefined; entry = stack.pop()) {
      if (entry.isReady) {
        order.push(entry.id);
      } else if (!seen.has(entry.id) && Object.hasOwn(nodes, entry.id)) {
        seen.add(entry.id);
        stack.push({ id: entry.id, isReady: true });
        for (const earlier of [...(before.get(entry.id) ?? [])].reverse()) stack.push({ id: earlier, isReady: false });
      }
    }
  }
  return order;
};
