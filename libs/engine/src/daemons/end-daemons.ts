import { isFulfilled, NodePhase } from '#libs/workflow-spec';
import type { Pass } from '../pass.js';
import { setPhase } from '../phase/transitions.js';
import { completeProgress } from '../state/counters.js';
import type { TreeNode } from '../state/tree-node.js';

const end = (pass: Pass, daemon: TreeNode): void => {
  const { state, nowMs } = pass;
  const { incarnation } = daemon.memory;
  state.change(daemon, () => {
    delete daemon.status.daemoned;
    daemon.status.progress = completeProgress(daemon.status.progress);
    daemon.memory.stopping = 'daemon';
  });
  setPhase(state, daemon, { phase: NodePhase.Succeeded, message: '', nowMs });
  if (incarnation !== undefined)
    state.pending.commands.push({ type: 'stopPod', nodeId: daemon.id, incarnation, reason: 'daemon' });
};

/**
 * Ends the daemons whose template has ended, or all of them where `isOver`: they have succeeded, whatever their pods say afterwards (Argo's
 * killDaemonedChildren). Costs what there are of daemons.
 */
export const endDaemons = (pass: Pass, isOver: boolean): void => {
  const { state } = pass;
  for (const id of [...state.counters.daemons]) {
    const daemon = state.get(id);
    const boundary = state.find(daemon.status.boundaryID);
    if (isOver || (boundary !== undefined && isFulfilled(boundary.status))) end(pass, daemon);
  }
};
