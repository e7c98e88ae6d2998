import type { NodeStatus, Workflow } from '#libs/workflow-spec';

/** A line of the tree: the drawing before the mark, and the node. `undefined` separates two trees. */
export interface TreeLine {
  prefix: string;
  node: NodeStatus;
}

/** Decides whether a node's own line is left out (its children are drawn in its place). */
export type NodeFilter = (node: NodeStatus) => boolean;

interface Branch {
  node: NodeStatus;
  children: Branch[];
}

const isGroup = (node: NodeStatus): boolean => node.type === 'StepGroup' || node.type === 'Retry';
const isBoundary = (node: NodeStatus): boolean => node.type === 'Steps' || node.type === 'DAG';

/**
 * The trees of a workflow as `argo get` draws them: the entry node, then the exit handler's. A boundary (Steps, DAG) shows the
 * nodes inside it in order of their start; a group of steps or of attempts shows its own children; a group
 * of tasks is not drawn, its tasks stand beside the others; a pod has none. Held against recorded output of Argo v4.1.
 */
export const treesOf = (workflow: Workflow): Branch[] => {
  const nodes = workflow.status?.nodes ?? {};
  const owned = new Map<string, NodeStatus[]>();
  for (const node of Object.values(nodes)) {
    if (!node.boundaryID || node.type === 'TaskGroup') continue;
    const siblings = owned.get(node.boundaryID) ?? [];
    siblings.push(node);
    owned.set(node.boundaryID, siblings);
  }
  const inGroup = groupedNodes(nodes);
  const visited = new Set<string>();
  const branchOf = (node: NodeStatus): Branch => {
    if (visited.has(node.id)) return { node, children: [] };
    visited.add(node.id);
    return { node, children: childrenOf(node).map(branchOf) };
  };
  const childrenOf = (node: NodeStatus): NodeStatus[] => {
    if (isBoundary(node)) return inOrder((owned.get(node.id) ?? []).filter(({ id }) => !inGroup.has(id)));
    if (!isGroup(node)) return [];
    return inOrder(
      (node.children ?? [])
        .map((id) => nodes[id])
        .filter((child) => child !== undefined && inGroup.get(child.id) === node.id) as NodeStatus[],
    );
  };
  const name = workflow.metadata.name ?? '';
  const roots = Object.values(nodes).filter((node) => !node.boundaryID && !inGroup.has(node.id));
  const entry = roots.filter((node) => node.name === name || node.id === name);
  const others = inOrder(roots.filter((node) => !entry.includes(node)));
  return [...entry, ...others].map(branchOf);
};

/** Which group a node is drawn under: the StepGroup or Retry that lists it as a child inside the same boundary. */
const groupedNodes = (nodes: Record<string, NodeStatus>): Map<string, string> => {
  const inGroup = new Map<string, string>();
  for (const node of Object.values(nodes)) {
    if (!isGroup(node)) continue;
    for (const id of node.children ?? []) {
      const child = nodes[id];
      if (!child || child.type === 'StepGroup') continue;
      if (child.boundaryID === node.boundaryID && belongsTo(child, node)) inGroup.set(id, node.id);
    }
  }
  return inGroup;
};

/** A group's edges may also lead to what comes after it: only names that extend the group's are its own. */
const belongsTo = (child: NodeStatus, group: NodeStatus): boolean =>
  group.type === 'StepGroup'
    ? child.name.startsWith(`${group.name}.`)
    : child.name.startsWith(`${group.name}(`) || child.name.startsWith(`${group.name}.`);

const inOrder = (nodes: NodeStatus[]): NodeStatus[] =>
  [...nodes].sort((left, right) => startOf(left) - startOf(right) || compareNames(left, right));

const startOf = (node: NodeStatus): number => (node.startedAt ? Date.parse(node.startedAt) : Number.MAX_SAFE_INTEGER);

/** Names in which only numbers differ are ordered by these: loop items 2 and 10, step groups [2] and [10]. */
const compareNames = (left: NodeStatus, right: NodeStatus): number =>
  left.name.localeCompare(right.name, 'en', { numeric: true, sensitivity: 'variant' });

/** Flattens trees into lines with their drawing; separate trees are separated by an empty entry. */
export const drawTrees = (trees: readonly Branch[], hides: NodeFilter): (TreeLine | undefined)[] => {
  const lines: (TreeLine | undefined)[] = [];
  trees.forEach((tree, index) => {
    if (index > 0) lines.push(undefined);
    draw(tree, { own: '', below: '' }, hides, lines);
  });
  return lines;
};

interface Prefixes {
  /** Drawn before this branch's first line. */
  own: string;
  /** Drawn before its following lines. */
  below: string;
}

const draw = (branch: Branch, prefixes: Prefixes, hides: NodeFilter, lines: (TreeLine | undefined)[]): void => {
  const hidden = isHidden(branch.node, hides);
  if (!hidden) lines.push({ prefix: prefixes.own, node: branch.node });
  const indents = childrenIndent(branch.node);
  const last = branch.children.length - 1;
  branch.children.forEach((child, index) => {
    if (!indents) return draw(child, prefixes, hides, lines);
    const below = prefixes.below + (index === last ? '  ' : '│ ');
    const own = hidden ? hiddenParentBranch(prefixes, index, last) : prefixes.below + (index === last ? '└─' : '├─');
    draw(child, { own, below }, hides, lines);
  });
};

/** The first child of a hidden group continues the group's own branch: `└─┬─` or, alone, `└───`. */
const hiddenParentBranch = (prefixes: Prefixes, index: number, last: number): string => {
  if (index === 0) return prefixes.own + (last === 0 ? '──' : '┬─');
  return prefixes.below + (index === last ? '└─' : '├─');
};

const isHidden = (node: NodeStatus, hides: NodeFilter): boolean =>
  node.type === 'StepGroup' ||
  (node.type === 'Retry' && (node.children?.length ?? 0) === 1) ||
  (node.type === 'Skipped' && node.phase === 'Omitted') ||
  hides(node);

const childrenIndent = (node: NodeStatus): boolean => !(node.type === 'Retry' && (node.children?.length ?? 0) === 1);
