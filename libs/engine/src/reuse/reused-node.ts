import type { NodeStatus, ReusedNode } from '#libs/workflow-spec';
import type { NodeDraft } from '../node-tree/create-node.js';
import type { Pass } from '../pass.js';

const fieldsOf = ({ type: _type, phase: _phase, message: _message, ...fields }: ReusedNode): Partial<NodeStatus> => fields;

/**
 * The end of a node that an earlier run of this workflow has come to already and that is not repeated: of a memoized resubmission, or of a
 * retry of what only the archive held. Undefined where it has to run. A later retry repeats what it chooses.
 */
export const reusedDraft = (pass: Pass, nodeName: string): Pick<NodeDraft, 'type' | 'phase' | 'message' | 'more'> | undefined => {
  const { submitted, name, header } = pass.state;
  const known = submitted.reuse?.[nodeName.slice(name.length)];
  if (known?.phase === undefined || Number(header.internal['epoch'] ?? 0) > 0) return undefined;
  return {
    type: known.type,
    phase: known.phase,
    ...(known.message === undefined ? {} : { message: known.message }),
    more: fieldsOf(known),
  };
};
