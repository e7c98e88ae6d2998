import { NodePhase, NodeType, UserError } from '#libs/workflow-spec';
import type { DecideInput, Decision } from './contract.js';
import { advanceDag } from './dag/dag.js';
import { advanceTaskGroup } from './dag/task-group.js';
import { noteUnseen } from './following/beginnings.js';
import { followEnds } from './following/ends.js';
import { endDaemons } from './daemons/end-daemons.js';
import { takeInbox } from './following/inbox.js';
import { isInterrupted } from './following/interruption.js';
import { goOn } from './following/left-over.js';
import { giveSlots } from './following/slots.js';
import { takeWakeups } from './limits/wake.js';
import { copyOf, type ChangedChild, type Operations, type Outcome, type Pass } from './pass.js';
import { setPhase } from './phase/transitions.js';
import { refreshInputs } from './retry/refresh-inputs.js';
import { advanceRetry } from './retry/retry.js';
import { saveMemos } from './memoization/save-memos.js';
import { takeMetrics } from './metrics/take-metrics.js';
import type { TreeNode } from './state/tree-node.js';
import type { WorkflowState } from './state/workflow-state.js';
import { advanceStepGroup } from './steps/step-group.js';
import { advanceSteps } from './steps/steps.js';
import { goOnWithLocks } from './synchronization/enter.js';
import { isLockedOut } from './synchronization/lock-memory.js';
import { enterTemplate, startTemplate } from './templates/start-template.js';
import { isEdited } from './workflow/controller-defaults.js';
import { noteProgress } from './workflow/progress.js';
import { isFinished } from './workflow/workflow-phase.js';

const DEFAULT_MAX_CHANGES = 500;

/** What cannot be read any more, as somebody has changed the spec of the running workflow, ends its container. */
const advance = (pass: Pass, container: TreeNode, changed?: ChangedChild): Outcome => {
  try {
    return advanceByType(pass, container, changed);
  } catch (error) {
    if (!(error instanceof UserError) || !isEdited(pass.state.header)) throw error;
    setPhase(pass.state, container, { phase: NodePhase.Error, message: error.message, nowMs: pass.nowMs });
    return {};
  }
};

const advanceByType = (pass: Pass, container: TreeNode, changed?: ChangedChild): Outcome => {
  if (isLockedOut(container.memory)) return {};
  const refreshed = refreshInputs(pass, container);
  if (refreshed !== undefined) return refreshed;
  switch (container.status.type) {
    case NodeType.Steps:
      return advanceSteps(pass, container, changed);
    case NodeType.DAG:
      return advanceDag(pass, container, changed);
    case NodeType.Retry:
      return advanceRetry(pass, container, changed);
    case NodeType.TaskGroup:
      advanceTaskGroup(pass, container, changed);
      return {};
    case NodeType.StepGroup:
      advanceStepGroup(pass, container, changed);
      return {};
    default:
      return {};
  }
};

const operations: Operations = { start: startTemplate, enter: enterTemplate, advance };

const decisionOf = (pass: Pass, isInboxTaken: boolean): Decision => {
  const { state } = pass;
  const { pending } = state;
  return {
    ...(pending.header ? { header: copyOf(state.header) } : {}),
    nodes: state.pendingRows(),
    removedNodeIds: [...pending.removed],
    commands: [...pending.commands],
    outcomes: [...pending.outcomes],
    consumed: [...pending.consumed],
    missing: [...pass.missing.values()],
    nextWakeAtMs: isFinished(state) ? null : state.wakeups.next(),
    more: pass.missing.size === 0 && (!isInboxTaken || (!isFinished(state) && isInterrupted(pass))),
  };
};

/**
 * One decision (architecture §6): takes the inbox into the state, goes on with whatever that makes possible, and gives everything that has
 * changed since the last `markCommitted`. Calling it again with the same inbox and the facts that were missing adds to the same changes:
 * entries that are used up are known and left out. Reports of other incarnations change nothing.
 */
export const decide = (state: WorkflowState, input: DecideInput): Decision => {
  const pass: Pass = {
    state,
    input,
    config: state.config,
    operations,
    missing: new Map(),
    nowMs: input.nowMs,
    maxChanges: input.maxChanges ?? DEFAULT_MAX_CHANGES,
  };
  if (!isFinished(state)) goOn(pass);
  const isInboxTaken = takeInbox(pass);
  if (!isFinished(state) && isInboxTaken && !isInterrupted(pass)) {
    for (const { node } of takeWakeups(pass)) state.unfollowed.add(node);
    followEnds(pass);
    do giveSlots(pass);
    while (goOnWithLocks(pass) && !isFinished(state) && !isInterrupted(pass));
  }
  noteUnseen(pass);
  saveMemos(pass);
  takeMetrics(pass);
  endDaemons(pass, isFinished(state));
  noteProgress(pass);
  return decisionOf(pass, isInboxTaken);
};
