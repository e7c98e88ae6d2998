import { childrenOf, type Node } from './ast.js';

/** A name that an expression reads, with the members that are known without running it. */
export interface Reference {
  /** `['steps', 'a', 'outputs']` for `steps.a['outputs']`; empty where the whole environment is used. */
  readonly path: readonly string[];
  /** Under `?.` or on the left of `??`, where a missing member is no fault. */
  readonly optional: boolean;
}

function staticPath(node: Node): { path: string[]; optional: boolean } | undefined {
  if (node.kind === 'identifier') return { path: node.name === '$env' ? [] : [node.name], optional: false };
  if (node.kind === 'chain') return staticPath(node.node);
  if (node.kind !== 'member') return undefined;
  const base = staticPath(node.node);
  if (!base || node.property.kind !== 'string') return undefined;
  return { path: [...base.path, node.property.value], optional: base.optional || node.optional };
}

/** Everything an expression reads from its environment, without the variables it declares itself. */
export function findReferences(node: Node, optional = false, declared: readonly string[] = []): Reference[] {
  const found = staticPath(node);
  if (found) {
    const [root] = found.path;
    if (root !== undefined && declared.includes(root)) return [];
    return [{ path: found.path, optional: optional || found.optional }];
  }
  if (node.kind === 'let') {
    return [...findReferences(node.value, optional, declared), ...findReferences(node.body, optional, [...declared, node.name])];
  }
  if (node.kind === 'binary' && node.operator === '??') {
    return [...findReferences(node.left, true, declared), ...findReferences(node.right, true, declared)];
  }
  return childrenOf(node).flatMap((child) => findReferences(child, optional, declared));
}
