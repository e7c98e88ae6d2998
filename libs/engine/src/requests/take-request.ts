import type { InboxEntry } from '../contract.js';
import type { Pass } from '../pass.js';
import type { TreeNode } from '../state/tree-node.js';

type RequestEntry = Extract<InboxEntry, { kind: 'request' }>;

/** Takes a request and gives the nodes that it ended. */
export const takeRequest = (pass: Pass, entry: RequestEntry): TreeNode[] => {
  pass.state.pending.outcomes.push({ requestId: entry.requestId, ok: true });
  return [];
};
