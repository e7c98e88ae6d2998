import { substituteJson } from '#libs/expressions';
import type { WantedLock } from '../contract.js';
import { ExecutionError } from '../errors.js';
import type { Pass } from '../pass.js';
import { globalScope } from '../scope/globals.js';
import type { TreeNode } from '../state/tree-node.js';
import { templateOf } from '../templates/process-template.js';
import { hasLocks, wantedLocks } from './wanted-locks.js';

/** Locks whose limit cannot be read any more are held by nobody here. */
const readable = (read: () => WantedLock[]): WantedLock[] => {
  try {
    return read();
  } catch (error) {
    if (error instanceof ExecutionError) return [];
    throw error;
  }
};

const tell = (pass: Pass, holder: string, attempt: number, locks: WantedLock[]): void => {
  const { pending, spec } = pass.state;
  if (locks.length === 0) return;
  pending.commands.push({ type: 'wantLocks', holder, attempt, priority: spec.priority ?? 0, locks, isHeld: true });
};

/** Tells that a node holds the locks of its template already, which somebody else gave it. Throws MissingFact. */
export const holdLocks = (pass: Pass, node: TreeNode): void => {
  const { synchronization } = templateOf(pass, node);
  if (!hasLocks(synchronization)) return;
  tell(
    pass,
    node.id,
    node.memory.lockAttempt ?? 1,
    readable(() => wantedLocks(pass, synchronization)),
  );
};

/** The same for the workflow as a whole. */
export const holdWorkflowLocks = (pass: Pass): void => {
  const written = pass.state.spec.synchronization;
  if (!hasLocks(written)) return;
  const synchronization = substituteJson(written, globalScope(pass.state, pass.nowMs));
  tell(
    pass,
    '',
    1,
    readable(() => wantedLocks(pass, synchronization)),
  );
};
