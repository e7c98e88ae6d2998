import { isFulfilled, NodePhase, parseDuration, UserError, type Template } from '#libs/workflow-spec';
import { ExecutionError } from '../errors.js';
import type { ChangedChild, Pass } from '../pass.js';
import { setPhase } from '../phase/transitions.js';
import { deletePod } from '../pods/pod-gc.js';
import type { TreeNode } from '../state/tree-node.js';

/** What Argo writes where a node is still Pending when its time is over; a pod that runs ends with the runtime's own words. */
const TIMEOUT_MESSAGE = 'timeout';

const millisecondsOf = (field: string, text: string | undefined): number | undefined => {
  if (text === undefined || text === '') return undefined;
  try {
    return parseDuration(text);
  } catch (error) {
    if (error instanceof UserError) throw new ExecutionError(`invalid ${field} format. ${error.message}`, { cause: error });
    throw error;
  }
};

/** Durations of a template that limit its nodes, in milliseconds. Throws ExecutionError for a text that is no duration. */
export const timeoutsOf = ({ timeout, pendingTimeout }: Template): { wholeMs?: number; pendingMs?: number } => {
  const wholeMs = millisecondsOf('timeout', timeout);
  const pendingMs = millisecondsOf('pendingTimeout', pendingTimeout);
  return { ...(wholeMs === undefined ? {} : { wholeMs }), ...(pendingMs === undefined ? {} : { pendingMs }) };
};

/** When a node that is still Pending has waited for too long, in milliseconds since the epoch; undefined: never. */
export const pendingDeadlineMs = (template: Template, startedAtMs: number): number | undefined => {
  const { wholeMs, pendingMs } = timeoutsOf(template);
  const limits = [wholeMs, pendingMs].filter((limit): limit is number => limit !== undefined);
  return limits.length === 0 ? undefined : startedAtMs + Math.min(...limits);
};

/**
 * The time of a node is over: still Pending it fails, and its pod will not be made. Argo ends the whole workflow at this point and leaves
 * what else is unfinished as it is; here the failure goes its usual way upwards.
 */
export const passTimeout = (pass: Pass, node: TreeNode): ChangedChild[] => {
  pass.state.change(node, () => {
    delete node.memory.wakeAtMs;
  });
  if (node.status.phase !== NodePhase.Pending || isFulfilled(node.status)) return [];
  setPhase(pass.state, node, { phase: NodePhase.Failed, message: TIMEOUT_MESSAGE, nowMs: pass.nowMs });
  deletePod(pass, node);
  return [{ node }];
};
