import type { NodeMemory } from '../state/node-memory.js';

/**
 * Where a node stands with the locks of its template:
 * `due` has to ask for them (again) · `wanted` has asked and waits · `held` has them · `released` had them, or wants them no more.
 */
export type LockStage = 'due' | 'wanted' | 'held' | 'released';

type Locked = Pick<NodeMemory, 'lock' | 'lockEntered'>;

/** Whether the node waits in front of its template: what the template does has not begun. */
export const isLockedOut = ({ lock, lockEntered }: Locked): boolean => lock !== undefined && lockEntered !== true;

/** Whether the next decision has something to do for the node that no event of it says: ask again, or go in. */
export const isLockWork = ({ lock, lockEntered }: Locked): boolean => lock === 'due' || (lock === 'held' && lockEntered !== true);

/** A container that a manual retry has opened again asks for its locks again before it goes on. */
export const noteReopened = ({ memory }: { memory: NodeMemory }): void => {
  if (memory.lock !== 'released') return;
  memory.lock = 'due';
  delete memory.lockEntered;
  memory['reopened'] = true;
};
