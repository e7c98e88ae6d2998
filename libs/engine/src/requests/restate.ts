import { isFulfilled, NodePhase, NodeType, UserError } from '#libs/workflow-spec';
import type { FoundStatus } from '../contract.js';
import { exportGlobals } from '../outputs/global-outputs.js';
import type { Pass } from '../pass.js';
import { setPhase } from '../phase/transitions.js';
import { retryWithout } from '../retry/manual-retry.js';
import type { TreeNode } from '../state/tree-node.js';
import { resumeNode, supplyOutputs } from '../suspend/resume.js';
import { isLockedOut } from '../synchronization/lock-memory.js';
import { isFinished } from '../workflow/workflow-phase.js';

type FoundSuspension = FoundStatus['suspensions'][number];

/** The awaited outputs that have a value there and none here. */
const newOutputs = ({ status }: TreeNode, outputs: Record<string, string>): Record<string, string> => {
  const awaited = (status.outputs?.parameters ?? []).filter(({ value }) => value === undefined);
  return Object.fromEntries(awaited.flatMap(({ name }) => (outputs[name] === undefined ? [] : [[name, outputs[name]]])));
};

const takeSuspension = (pass: Pass, node: TreeNode, { phase, message, outputs }: FoundSuspension): void => {
  const values = newOutputs(node, outputs);
  if (Object.keys(values).length > 0) supplyOutputs(pass, node, values);
  const told = { message: message ?? node.status.message ?? '', nowMs: pass.nowMs };
  switch (phase) {
    case NodePhase.Succeeded:
      resumeNode(pass, node, '');
      setPhase(pass.state, node, { phase, ...told });
      break;
    case NodePhase.Failed:
    case NodePhase.Error:
      setPhase(pass.state, node, { phase, ...told });
      exportGlobals(pass.state, node.status.outputs);
      break;
    default:
      return;
  }
  pass.state.unfollowed.add(node);
};

/** What cannot be done, such as going on without a value that is needed, is not done. */
const tried = (work: () => void): void => {
  try {
    work();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
  }
};

const takeSuspensions = (pass: Pass, suspensions: readonly FoundSuspension[]): void => {
  for (const found of suspensions) {
    const node = pass.state.find(found.id);
    const isOpen = node?.status.type === NodeType.Suspend && !isFulfilled(node.status) && !isLockedOut(node.memory);
    if (isOpen) tried(() => takeSuspension(pass, node, found));
  }
};

/**
 * Somebody else has written the object's status. Argo's server and command line do so instead of asking: to resume (a suspended node that has
 * ended there), to set outputs, to retry (an ended workflow that goes on there, without the nodes that are to be repeated). That is taken as
 * if it had been asked for. Everything else is overwritten, as the rows are the truth: the header counts as changed, so it is shown anew.
 */
export const takeRestate = (pass: Pass, { suspensions, reopened }: FoundStatus): void => {
  const { state } = pass;
  if ((state.header.status.phase ?? '') === '' && state.nodes.size === 0) return;
  state.changeHeader(() => undefined);
  if (!isFinished(state)) takeSuspensions(pass, suspensions);
  else if (reopened !== undefined) tried(() => retryWithout(pass, reopened));
};
