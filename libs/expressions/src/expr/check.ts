import { type GoRecord } from '../golang/values.js';
import { childrenOf, type Node } from './ast.js';
import { LocatedError } from './source-error.js';

/** Rejects identifiers that the environment does not have, as compiling with expr.Env does. */
export function checkNames(node: Node, env: GoRecord, names: readonly string[] = []): void {
  if (node.kind === 'identifier') {
    if (node.name !== '$env' && !names.includes(node.name) && !Object.hasOwn(env, node.name)) {
      throw new LocatedError(`unknown name ${node.name}`, node.at, 'compile');
    }
    return;
  }
  if (node.kind === 'let') {
    checkNames(node.value, env, names);
    checkNames(node.body, env, [...names, node.name]);
    return;
  }
  for (const child of childrenOf(node)) checkNames(child, env, names);
}
