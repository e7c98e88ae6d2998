import { isFulfilled, NodeType } from '#libs/workflow-spec';
import type { NodeRow } from '../contract.js';
import { hasOwnProgress } from '../state/counters.js';
import { shownType } from './shown-group.js';

/** What a node shows of the pods that can be reached from it. */
export interface ContainerSums {
  progress?: string;
  resourcesDuration?: Record<string, number>;
}

/** Most visits spent on the sums of one workflow; beyond it large containers show what has been summed so far. */
const MOST_VISITS = 20_000_000;

interface Tree {
  byId: ReadonlyMap<string, NodeRow>;
  children: ReadonlyMap<string, readonly string[]>;
  budget: { visits: number };
}

/** Every node below, each once. */
function* reachable(tree: Tree, id: string): Generator<NodeRow> {
  const seen = new Set<string>();
  const stack = [...(tree.children.get(id) ?? [])];
  for (let next = stack.pop(); next !== undefined && tree.budget.visits > 0; next = stack.pop()) {
    if (seen.has(next)) continue;
    seen.add(next);
    tree.budget.visits -= 1;
    const row = tree.byId.get(next);
    if (row !== undefined) yield row;
    for (const child of tree.children.get(next) ?? []) stack.push(child);
  }
}

const addDurations = (sum: Record<string, number>, { status }: NodeRow): void => {
  for (const [resource, seconds] of Object.entries(status.resourcesDuration ?? {}))
    sum[resource] = (sum[resource] ?? 0) + seconds;
};

const sumsOf = (tree: Tree, row: NodeRow): ContainerSums => {
  let done = 0;
  let total = 0;
  const durations: Record<string, number> = {};
  for (const below of reachable(tree, row.id)) {
    addDurations(durations, below);
    if (!hasOwnProgress(shownType(below))) continue;
    const [belowDone = 0, belowTotal = 0] = (below.status.progress ?? '0/1').split('/').map(Number);
    done += belowDone;
    total += belowTotal;
  }
  return {
    ...(total === 0 || hasOwnProgress(shownType(row)) ? {} : { progress: `${done}/${total}` }),
    ...(Object.keys(durations).length === 0 || !isFulfilled(row.status) ? {} : { resourcesDuration: durations }),
  };
};

/**
 * Progress and resource durations of nodes that are no pods: sums over all that can be reached from them by `children`, each once, so also
 * what comes after them (Argo's sumProgress). Nodes that reach nothing have none.
 */
export const containerSums = (
  rows: readonly NodeRow[],
  children: ReadonlyMap<string, readonly string[]>,
): Map<string, ContainerSums> => {
  const tree: Tree = { byId: new Map(rows.map((row) => [row.id, row])), children, budget: { visits: MOST_VISITS } };
  return new Map(rows.filter((row) => shownType(row) !== NodeType.Pod).map((row) => [row.id, sumsOf(tree, row)]));
};
