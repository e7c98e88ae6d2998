/** A node of an expression; `at` is the UTF-16 offset that error messages point to (as in expr-lang). */
export type Node =
  | { readonly kind: 'nil'; readonly at: number }
  | { readonly kind: 'identifier'; readonly at: number; readonly name: string }
  | { readonly kind: 'int'; readonly at: number; readonly value: number | bigint }
  | { readonly kind: 'float'; readonly at: number; readonly value: number }
  | { readonly kind: 'bool'; readonly at: number; readonly value: boolean }
  | { readonly kind: 'string'; readonly at: number; readonly value: string }
  | { readonly kind: 'bytes'; readonly at: number; readonly value: string }
  | { readonly kind: 'unary'; readonly at: number; readonly operator: string; readonly operand: Node }
  | BinaryNode
  | { readonly kind: 'chain'; readonly at: number; readonly node: Node }
  | MemberNode
  | { readonly kind: 'slice'; readonly at: number; readonly node: Node; readonly from?: Node; readonly to?: Node }
  | { readonly kind: 'call'; readonly at: number; readonly callee: Node; readonly args: readonly Node[] }
  | BuiltinNode
  | { readonly kind: 'predicate'; readonly at: number; readonly node: Node }
  | { readonly kind: 'pointer'; readonly at: number; readonly name: string }
  | { readonly kind: 'let'; readonly at: number; readonly name: string; readonly value: Node; readonly body: Node }
  | { readonly kind: 'sequence'; readonly at: number; readonly nodes: readonly Node[] }
  | { readonly kind: 'conditional'; readonly at: number; readonly test: Node; readonly then: Node; readonly otherwise: Node }
  | { readonly kind: 'array'; readonly at: number; readonly items: readonly Node[] }
  | { readonly kind: 'map'; readonly at: number; readonly pairs: readonly { readonly key: Node; readonly value: Node }[] };

export interface BinaryNode {
  readonly kind: 'binary';
  readonly at: number;
  readonly operator: string;
  readonly left: Node;
  readonly right: Node;
}

export interface MemberNode {
  readonly kind: 'member';
  readonly at: number;
  readonly node: Node;
  readonly property: Node;
  readonly optional: boolean;
  readonly method: boolean;
}

export interface BuiltinNode {
  readonly kind: 'builtin';
  readonly at: number;
  readonly name: string;
  readonly args: readonly Node[];
}

type NodeOf<K extends Node['kind']> = Extract<Node, { kind: K }>;

const CHILDREN: { readonly [K in Node['kind']]?: (node: NodeOf<K>) => readonly Node[] } = {
  unary: (node) => [node.operand],
  binary: (node) => [node.left, node.right],
  chain: (node) => [node.node],
  predicate: (node) => [node.node],
  member: (node) => [node.node, node.property],
  slice: (node) => [node.node, ...(node.from ? [node.from] : []), ...(node.to ? [node.to] : [])],
  call: (node) => [node.callee, ...node.args],
  builtin: (node) => node.args,
  let: (node) => [node.value, node.body],
  sequence: (node) => node.nodes,
  conditional: (node) => [node.test, node.then, node.otherwise],
  array: (node) => node.items,
  map: (node) => node.pairs.flatMap((pair) => [pair.key, pair.value]),
};

/** The direct children of a node, for walkers that look for something. */
export const childrenOf = (node: Node): readonly Node[] =>
  (CHILDREN[node.kind] as ((node: Node) => readonly Node[]) | undefined)?.(node) ?? [];
