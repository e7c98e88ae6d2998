import { WorkflowPhase } from '#libs/workflow-spec';
import type { InboxEntry, LockAnswer } from '../contract.js';
import type { Pass } from '../pass.js';
import { setWorkflowPhase } from '../workflow/workflow-phase.js';
import { noteGranted, noteWaiting } from './node-locks.js';
import { noteWorkflowGranted, noteWorkflowWaiting } from './workflow-locks.js';

/** Argo's words; the in-memory kind says how many are free, the database kind how many are taken. */
const waitingMessage = ({ lock, free, limit }: Extract<LockAnswer, { outcome: 'waiting' }>): string =>
  lock.name === lock.shown
    ? `Waiting for ${lock.shown} lock. Lock status: ${Math.max(0, free)}/${limit}`
    : `Waiting for ${lock.shown} lock (${lock.name}). Lock status: ${limit - free}/${limit}`;

const takeLockAnswer = (pass: Pass, answer: LockAnswer): void => {
  const wait = answer.outcome === 'waiting' ? { message: waitingMessage(answer), holders: answer.holders } : undefined;
  if (answer.holder === '') {
    if (answer.outcome === 'granted') noteWorkflowGranted(pass, answer.attempt, answer.locks);
    else if (wait !== undefined) noteWorkflowWaiting(pass, answer.attempt, answer.lock, wait);
    return;
  }
  const node = pass.state.find(answer.holder);
  if (node?.memory.lock !== 'wanted' || node.memory.lockAttempt !== answer.attempt) return;
  if (answer.outcome === 'granted') noteGranted(pass, node, answer.locks);
  else if (wait !== undefined) noteWaiting(pass, node, answer.lock, wait);
};

const POSTPONED = 'Workflow processing has been postponed because too many workflows are already running';

const takeAdmission = (pass: Pass, admitted: boolean): void => {
  const { state } = pass;
  if (state.header.internal['admission'] !== 'wanted') return;
  if (!admitted) {
    setWorkflowPhase(pass, WorkflowPhase.Pending, POSTPONED);
    return;
  }
  state.changeHeader((header) => {
    header.internal = { ...header.internal, admission: 'admitted' };
  });
};

/** Takes what became of locks and of the wish to run; false where the entry is about something else. */
export const takeLockEntry = (pass: Pass, entry: InboxEntry): boolean => {
  if (entry.kind === 'lock') takeLockAnswer(pass, entry.answer);
  else if (entry.kind === 'admission') takeAdmission(pass, entry.admitted);
  else return false;
  return true;
};
