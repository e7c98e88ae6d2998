import { substituteJson } from '#libs/expressions';
import { WorkflowPhase } from '#libs/workflow-spec';
import type { LockSign } from '../contract.js';
import { ExecutionError } from '../errors.js';
import { shutdownOf } from '../limits/shutdown.js';
import type { Pass } from '../pass.js';
import { globalScope } from '../scope/globals.js';
import type { WorkflowState } from '../state/workflow-state.js';
import { MissingFact } from '../templates/inputs.js';
import { setWorkflowPhase } from '../workflow/workflow-phase.js';
import { nextAttempt } from './node-locks.js';
import { hideWaiting, holderName, showHolding, showWaiting } from './shown-locks.js';
import { hasLocks, wantedLocks } from './wanted-locks.js';

/** What the header remembers of the locks of the workflow as a whole. */
interface WorkflowLock {
  stage: 'wanted' | 'held';
  attempt: number;
  /** The lock that it is shown to wait for. */
  waiting?: string;
}

const lockOf = (state: WorkflowState): WorkflowLock | undefined =>
  state.header.internal['lock'] as unknown as WorkflowLock | undefined;

const remember = (state: WorkflowState, lock: WorkflowLock): void =>
  state.changeHeader((header) => {
    header.internal = { ...header.internal, lock: { ...lock } };
  });

const forget = (state: WorkflowState, name: 'lock' | 'admission'): void =>
  state.changeHeader((header) => {
    header.internal = Object.fromEntries(Object.entries(header.internal).filter(([key]) => key !== name));
  });

const addressedLock = (state: WorkflowState, attempt: number): WorkflowLock | undefined => {
  const lock = lockOf(state);
  return lock?.stage === 'wanted' && lock.attempt === attempt ? lock : undefined;
};

/** The workflow has its locks and may begin. */
export const noteWorkflowGranted = (pass: Pass, attempt: number, locks: readonly LockSign[]): void => {
  const { state } = pass;
  const lock = addressedLock(state, attempt);
  if (lock === undefined) return;
  remember(state, { stage: 'held', attempt });
  if (lock.waiting !== undefined) hideWaiting(state, lock.waiting);
  showHolding(state, holderName(state, ''), locks);
};

/** The workflow is Pending and shows which lock is in its way. */
export const noteWorkflowWaiting = (
  pass: Pass,
  attempt: number,
  sign: LockSign,
  wait: { message: string; holders: readonly string[] },
): void => {
  const { state } = pass;
  const lock = addressedLock(state, attempt);
  if (lock === undefined) return;
  if (lock.waiting !== undefined && lock.waiting !== sign.shown) hideWaiting(state, lock.waiting);
  remember(state, { ...lock, waiting: sign.shown });
  showWaiting(state, sign, wait.holders);
  setWorkflowPhase(pass, WorkflowPhase.Pending, wait.message);
};

const askForLocks = (pass: Pass): void => {
  const { state } = pass;
  const written = state.spec.synchronization;
  if (!hasLocks(written)) return;
  const locks = wantedLocks(pass, substituteJson(written, globalScope(state, pass.nowMs)));
  const attempt = nextAttempt(state, undefined);
  remember(state, { stage: 'wanted', attempt });
  state.pending.commands.push({ type: 'wantLocks', holder: '', attempt, priority: state.spec.priority ?? 0, locks });
};

/** Argo's order: first one of the running workflows, then the locks. */
const isAdmitted = (pass: Pass): boolean => {
  const { state, input } = pass;
  const admission = state.header.internal['admission'];
  if (admission === 'admitted') return true;
  if (input.isAdmissionLimited !== true) {
    if (admission !== undefined) {
      forget(state, 'admission');
      state.pending.commands.push({ type: 'leaveAdmission' });
    }
    return true;
  }
  if (admission === undefined) {
    state.changeHeader((header) => {
      header.internal = { ...header.internal, admission: 'wanted' };
    });
    state.pending.commands.push({ type: 'wantAdmission', priority: state.spec.priority ?? 0 });
  }
  return false;
};

/**
 * Whether a workflow that has not begun may begin: admitted, and holding the locks of its `synchronization`; asks for them where that has
 * not been done. A workflow that is to be terminated begins at once, in order to end. A lock that cannot exist fails the workflow.
 */
export const mayBegin = (pass: Pass): boolean => {
  const { state } = pass;
  if (shutdownOf(state) === 'Terminate') return true;
  if (!isAdmitted(pass)) return false;
  if (lockOf(state) !== undefined) return lockOf(state)?.stage === 'held';
  try {
    askForLocks(pass);
  } catch (error) {
    if (error instanceof ExecutionError) setWorkflowPhase(pass, WorkflowPhase.Failed, error.message);
    else if (!(error instanceof MissingFact)) throw error;
    return false;
  }
  return lockOf(state) === undefined;
};
