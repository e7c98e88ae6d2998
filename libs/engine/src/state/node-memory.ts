import type { JsonValue } from '#libs/workflow-spec';
import type { LockStage } from '../synchronization/lock-memory.js';

/**
 * What a node is to the node that started it:
 * `root` entry template · `group` of parallel steps · `step` or `task` by name · `item` of a loop · `attempt` of a retry · `exit` handler · `hook` with an expression · `container` of a set.
 */
type NodeRole = 'root' | 'group' | 'step' | 'task' | 'item' | 'attempt' | 'exit' | 'hook' | 'container';

/** What the engine keeps of a node beside its public status; stored in `NodeRow.internal`. */
export interface NodeMemory {
  /** Id of the node that started this one and is assessed when it changes; '' where that is the workflow itself. */
  owner: string;
  role: NodeRole;
  /** Name of the step or task in its template; the hook's name for hooks. */
  name?: string;
  /** Position: step group in its Steps, item in its loop, attempt in its retry. */
  index?: number;
  /** For exit handlers and hooks: id of the node that they belong to. */
  subject?: string;
  /** The expression of its exit handler was false: none will run. */
  exitDeclined?: boolean;
  /** Belongs to an exit handler, at any depth: goes on under `Stop`, and has no workflow deadline. */
  onExit?: boolean;
  /** Loops and step groups: how many members have been started. */
  cursor?: number;
  /** Step groups: the hooks of those members that could begin at once have had their turn. */
  hooksLooked?: boolean;
  /** Step groups: a hook found no free slot. The group fails when it is looked at next, or goes on without hooks. */
  hooksEnd?: 'error' | 'given up';
  /** The one member of a loop whose list came out as empty text: shown as the TaskGroup of the loop. */
  shownAsGroup?: boolean;
  /** Pods: the incarnation ordered last. */
  incarnation?: number;
  /** Pods: one that is over soon after it was made is not seen running by hooks. */
  hasRunUnseen?: boolean;
  /** Pods: an end has been asked for, and why. */
  stopping?: string;
  /** When the node has to be looked at again without an event: end of a backoff, of a suspension, of a deadline. */
  wakeAtMs?: number;
  /** When the pod must have ended. */
  deadlineMs?: number;
  /** Where it stands with the locks of its template; absent where that has none. */
  lock?: LockStage;
  /** Number of the last attempt to get them; answers to earlier ones do not count. */
  lockAttempt?: number;
  /** It had its locks and its template has begun. */
  lockEntered?: boolean;
  /** Opened again with other arguments of the workflow, which its inputs do not show yet. */
  hasStaleInputs?: boolean;
  /** Its outputs have been remembered in a cache. */
  memoSaved?: boolean;
  /** Which metrics of its template have been taken. */
  measured?: 'begun' | 'ended';
  startedAtMs?: number;
  finishedAtMs?: number;
  [key: string]: JsonValue | undefined;
}
