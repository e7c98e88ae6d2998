import type { NodeRow } from '../contract.js';
import { hasOwnProgress } from '../state/counters.js';

const isPod = (row: NodeRow): boolean => hasOwnProgress(row.status.type);

/** Most visits spent on the sums of one workflow; beyond it large containers show what has been summed so far. */
const MOST_VISITS = 20_000_000;

/**
 * Progress of nodes that hold others: the sum over all pods that can be reached from them by `children`, each once, so also those that
 * come after them (Argo's sumProgress). Nodes that reach no pod have none.
 */
export const containerProgress = (
  rows: readonly NodeRow[],
  children: ReadonlyMap<string, readonly string[]>,
): Map<string, string> => {
  const byId = new Map(rows.map((row) => [row.id, row]));
  const sums = new Map<string, string>();
  let visits = 0;
  for (const row of rows) {
    if (isPod(row)) continue;
    let done = 0;
    let total = 0;
    const seen = new Set<string>();
    const stack = [...(children.get(row.id) ?? [])];
    for (let id = stack.pop(); id !== undefined && visits < MOST_VISITS; id = stack.pop()) {
      if (seen.has(id)) continue;
      seen.add(id);
      visits += 1;
      const child = byId.get(id);
      if (child !== undefined && isPod(child)) {
        const [podDone = 0, podTotal = 0] = (child.status.progress ?? '0/1').split('/').map(Number);
        done += podDone;
        total += podTotal;
      }
      for (const next of children.get(id) ?? []) stack.push(next);
    }
    if (total > 0) sums.set(row.id, `${done}/${total}`);
  }
  return sums;
};
