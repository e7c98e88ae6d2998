import { NodePhase } from '#libs/workflow-spec';
import type { PodReport } from '../contract.js';
import type { Pass } from '../pass.js';
import { takeReport } from '../pods/take-report.js';
import type { TreeNode } from '../state/tree-node.js';
import { followRunning, isRunningWatched } from './propagate.js';

/**
 * A pod that was over before anybody saw it running did run: where a hook may ask for that it is taken as Running before its end, so that what
 * hooks do does not depend on who looked when. Where the walk that follows is cut the end has to wait. Returns whether it was taken.
 */
export const takeBeginning = (pass: Pass, node: TreeNode, report: PodReport): boolean => {
  const { nodeId, incarnation, phase, startedAtMs, neverBegan } = report;
  if (node.status.phase !== NodePhase.Pending || (phase !== 'Succeeded' && phase !== 'Failed')) return false;
  if (startedAtMs === undefined || neverBegan !== undefined || node.memory.hasRunUnseen === true) return false;
  if (!isRunningWatched(pass, node)) return false;
  if (takeReport(pass, node, { nodeId, incarnation, startedAtMs, phase: 'Running' })) followRunning(pass, node);
  return true;
};

/** So many of the pods of one pass are made too late to be over before it is. */
const SEEN_AT_LEAST = 2;

/**
 * The real controller makes the pods of a pass one after the other, and sees what has become of them when it is through: of the first of
 * many, if they are short, only the end. Notes for which of those ordered now that is so, where a hook may ask.
 */
export const noteUnseen = (pass: Pass): void => {
  const { state } = pass;
  if (state.pending.commands.length <= SEEN_AT_LEAST) return;
  const orders = state.pending.commands.filter((command) => command.type === 'runPod');
  for (const { order } of orders.slice(0, -SEEN_AT_LEAST)) {
    const node = state.find(order.nodeId);
    if (node === undefined || node.memory.hasRunUnseen === true || !isRunningWatched(pass, node)) continue;
    state.change(node, () => {
      node.memory.hasRunUnseen = true;
    });
  }
};
