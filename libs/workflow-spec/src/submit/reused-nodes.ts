import { NodePhase, NodeType, type NodeStatus } from '../model/status.js';
import type { Workflow } from '../model/workflow.js';

/** Public fields of a node that need not run again. */
export type ReusedNode = Pick<NodeStatus, 'type' | 'phase'> &
  Partial<
    Pick<
      NodeStatus,
      'message' | 'outputs' | 'startedAt' | 'finishedAt' | 'progress' | 'resourcesDuration' | 'hostNodeName' | 'podIP'
    >
  >;

/** Nodes to reuse by what follows the workflow's own name in theirs: `''` is the root, `[0].a` a step. */
export type ReusedNodes = Record<string, ReusedNode>;

const isFailed = ({ phase }: NodeStatus): boolean => phase === NodePhase.Failed || phase === NodePhase.Error;

const isPrefix = (prefix: string, name: string): boolean =>
  name === prefix || (name.startsWith(prefix) && '.[('.includes(name.charAt(prefix.length)));

/** A new series begins with attempt 0: what its last attempt came to stands there, what earlier ones did is forgotten. */
interface SeriesMove {
  last: string;
  first: string;
  earlier: string[];
}

const movesOf = (nodes: Readonly<Record<string, NodeStatus>>): SeriesMove[] =>
  Object.values(nodes).flatMap((node): SeriesMove[] => {
    if (node.type !== NodeType.Retry) return [];
    const attempts = (node.children ?? []).flatMap((id) => {
      const child = nodes[id];
      return child?.nodeFlag?.retried === true && child.nodeFlag.hooked !== true ? [child.name] : [];
    });
    const last = attempts.at(-1);
    return last === undefined ? [] : [{ last, first: `${node.name}(0)`, earlier: attempts.slice(0, -1) }];
  });

/** The name under which the node would come back; undefined for work of an attempt that another one followed. */
const nameAgain = (name: string, moves: readonly SeriesMove[]): string | undefined => {
  let current = name;
  for (const { last, first, earlier } of moves) {
    if (earlier.some((attempt) => isPrefix(attempt, name))) return undefined;
    if (isPrefix(last, current)) current = first + current.slice(last.length);
  }
  return current;
};

const withDescendants = (nodes: Readonly<Record<string, NodeStatus>>, roots: readonly NodeStatus[]): Set<NodeStatus> => {
  const found = new Set<NodeStatus>();
  const stack = [...roots];
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    if (found.has(node)) continue;
    found.add(node);
    for (const id of node.children ?? []) if (nodes[id] !== undefined) stack.push(nodes[id]);
  }
  return found;
};

const LEAVES: ReadonlySet<string> = new Set([NodeType.Pod, NodeType.HTTP, NodeType.Plugin, NodeType.Suspend]);

const kept = (node: NodeStatus): ReusedNode => {
  const { type, phase, message, outputs, startedAt, finishedAt, progress, resourcesDuration, hostNodeName, podIP } = node;
  const fields = { message, outputs, startedAt, finishedAt, progress, resourcesDuration, hostNodeName, podIP };
  return {
    type,
    ...(phase === undefined ? {} : { phase }),
    ...Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)),
  };
};

/** As Argo shows a pod that a resubmission does not run again. */
const skipped = ({ id, outputs }: NodeStatus): ReusedNode => ({
  type: NodeType.Skipped,
  phase: NodePhase.Skipped,
  message: `original pod: ${id}`,
  ...(outputs === undefined ? {} : { outputs }),
});

const collect = (
  workflow: Workflow,
  isMeant: (node: NodeStatus) => boolean,
  shown: (node: NodeStatus) => ReusedNode,
): ReusedNodes => {
  const { name: workflowName = '' } = workflow.metadata;
  const nodes = workflow.status?.nodes ?? {};
  const moves = movesOf(nodes);
  const entries = Object.values(nodes).flatMap((node): [string, ReusedNode][] => {
    if (node.phase !== NodePhase.Succeeded || !isMeant(node) || isPrefix(`${workflowName}.onExit`, node.name)) return [];
    const name = nameAgain(node.name, moves);
    return name === undefined ? [] : [[name.slice(workflowName.length), shown(node)]];
  });
  return Object.fromEntries(entries);
};

/** Pods that succeeded, as a resubmission with `memoized` shows them. */
export const memoizedNodes = (workflow: Workflow): ReusedNodes => collect(workflow, ({ type }) => type === NodeType.Pod, skipped);

/** Work that a retry leaves as it is: what succeeded and comes after nothing that failed or is chosen to run again. */
export const retainedNodes = (workflow: Workflow, isChosen: (node: NodeStatus) => boolean): ReusedNodes => {
  const nodes = workflow.status?.nodes ?? {};
  const again = Object.values(nodes).filter((node) => (LEAVES.has(node.type) && isFailed(node)) || isChosen(node));
  const removed = withDescendants(nodes, again);
  return collect(workflow, (node) => LEAVES.has(node.type) && !removed.has(node), kept);
};
