import { NodePhase, NodeType } from '#libs/workflow-spec';
import { createNode } from '../node-tree/create-node.js';
import type { Pass, StartRequest } from '../pass.js';
import { isWanted } from '../scope/when.js';
import type { TreeNode } from '../state/tree-node.js';
import { messageOf } from './error-message.js';

/** How the start of a step, a task or an item of a loop went. */
export type ChildStart =
  | { type: 'started' }
  | { type: 'waits' }
  /** `when` has no value: the node is there, Skipped with the phase Error. */
  | { type: 'undecided'; error: string }
  /** The node is there; its own start came to an error. */
  | { type: 'errored'; node: TreeNode; error: string };

export interface Child {
  /** Notes what cannot start yet, and is asked again. */
  owner: TreeNode;
  /** The condition, with its tags replaced. */
  when: string | undefined;
  request: StartRequest;
  /** How it is shown where it is skipped; the default is the request. */
  skipped?: StartRequest;
}

/** Starts a child, or shows it as Skipped where its condition does not want it. */
export const startChild = (pass: Pass, { owner, when, request, skipped = request }: Child): ChildStart => {
  try {
    if (!isWanted(when)) {
      const message = `when '${when ?? ''}' evaluated false`;
      createNode(pass, skipped, { type: NodeType.Skipped, phase: NodePhase.Skipped, message });
      return { type: 'started' };
    }
  } catch (error) {
    const message = messageOf(error);
    createNode(pass, skipped, { type: NodeType.Skipped, phase: NodePhase.Error, message });
    return { type: 'undecided', error: message };
  }
  const result = pass.operations.start(pass, request);
  if (result.type !== 'refused')
    return result.error === undefined ? { type: 'started' } : { type: 'errored', node: result.node, error: result.error };
  if (result.why === 'slot') pass.state.waitingForSlot.add(owner.id);
  else pass.state.deferred.set(owner.id, result.why);
  return { type: 'waits' };
};
