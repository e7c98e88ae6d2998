import type { Command } from 'commander';
import { nodeMatcher } from '#libs/workflow-spec';
import type { NodeFilter } from '../output/tree.js';

/** Flags that say which nodes of a workflow are shown. */
export interface NodeFilterFlags {
  status?: string;
  nodeFieldSelector?: string;
}

export const withNodeFilterFlags = (command: Command): Command =>
  command
    .option('--status <phases>', 'show only nodes in these phases; comma-separated')
    .option('--node-field-selector <selector>', 'show only these nodes, for example displayName=approve');

/** Which nodes are left out of the tree. Throws UserError for a selector that cannot be read. */
export const nodeFilterOf = ({ status, nodeFieldSelector }: NodeFilterFlags): NodeFilter => {
  const phases = status === undefined ? undefined : new Set(status.split(','));
  const isChosen = nodeFieldSelector === undefined ? () => true : nodeMatcher(nodeFieldSelector);
  return (node) => (phases !== undefined && !phases.has(node.phase ?? '')) || !isChosen(node);
};
