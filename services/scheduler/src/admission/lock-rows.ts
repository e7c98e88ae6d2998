import type { Command } from '#libs/engine';
import type { AdmissionChange, LockChanges, LockWant, ParallelismLimits } from '#libs/store';

/**
 * What a decision's commands ask of the locks; undefined where nothing. What is asked for and given back in the same decision is only given
 * back: something of an earlier decision may be there.
 */
export const lockChangesOf = (commands: readonly Command[]): LockChanges | undefined => {
  const wants = new Map<string, LockWant>();
  const releases = new Set<string>();
  let isAll = false;
  for (const command of commands) {
    if (command.type === 'wantLocks') {
      const { holder, attempt, priority, locks, isHeld } = command;
      wants.set(holder, { holder, attempt, priority, locks, ...(isHeld === true ? { isHeld } : {}) });
    } else if (command.type === 'releaseLocks') {
      wants.delete(command.holder);
      releases.add(command.holder);
      if (command.all === true) {
        wants.clear();
        isAll = true;
      }
    }
  }
  if (wants.size === 0 && releases.size === 0) return undefined;
  return { releases: isAll ? 'all' : [...releases], wants: [...wants.values()] };
};

/** What a decision asks about running at all; undefined where nothing. The last word counts. */
export const admissionChangeOf = (commands: readonly Command[], limits: ParallelismLimits): AdmissionChange | undefined => {
  const last = commands.findLast(({ type }) => type === 'wantAdmission' || type === 'leaveAdmission');
  if (last?.type === 'wantAdmission') return { want: { priority: last.priority }, limits };
  return last === undefined ? undefined : { leave: true, limits };
};
