import { NodePhase } from '#libs/workflow-spec';
import type { Pass } from '../pass.js';
import type { TreeNode } from '../state/tree-node.js';
import { templateOf } from '../templates/process-template.js';
import { cacheOf, entryOf, remember } from './recall.js';

const isToBeSaved = ({ status, memory }: TreeNode): boolean =>
  status.memoizationStatus?.hit === false && status.phase === NodePhase.Succeeded && memory.memoSaved !== true;

/** Orders that what memoized nodes have given is remembered, once for each. Looks only at nodes that have changed. */
export const saveMemos = (pass: Pass): void => {
  const { state, nowMs } = pass;
  for (const id of [...state.pending.nodes]) {
    const node = state.find(id);
    const key = node?.status.memoizationStatus?.key;
    if (node === undefined || key === undefined || !isToBeSaved(node)) continue;
    const { memoize } = templateOf(pass, node);
    if (memoize === undefined) continue;
    state.change(node, () => {
      node.memory.memoSaved = true;
    });
    remember(pass, { namespace: state.namespace, cache: cacheOf(memoize), key }, entryOf(node, nowMs));
  }
};
