import type { PodManifest, TaskOrder } from '#libs/pod-spec';
import type { PodIdentity, PodObservation } from '#libs/runtimes';
import { UserError } from '#libs/workflow-spec';

/** One task as it is done. The signal is aborted when it has to end; what it says then is not listened to. */
export interface TaskRun<Order extends TaskOrder = TaskOrder> {
  identity: PodIdentity;
  manifest: PodManifest;
  order: Order;
  signal: AbortSignal;
  /** A line of the task's log. */
  log: (line: string) => void;
  /** What is seen of a task that goes on. */
  report: (seen: { message?: string; progress?: string }) => Promise<void>;
}

/** How a task ended, in the words of a pod's report. */
export type TaskEnd = Pick<PodObservation, 'message' | 'infrastructure' | 'exitCode' | 'outputs' | 'progress'> & {
  phase: 'Succeeded' | 'Failed';
};

/**
 * Does tasks of one kind. May be called again for a task that a predecessor did in part or whole: what it does has to bear that.
 * A TransientError has it called again later; a UserError ends the task in Error with its message.
 */
export type TaskRunner<Order extends TaskOrder = TaskOrder> = (run: TaskRun<Order>) => Promise<TaskEnd>;

/** A runner for each kind of task. */
export type TaskRunners = { [Kind in TaskOrder['kind']]?: TaskRunner<Extract<TaskOrder, { kind: Kind }>> };

/** What the task was asked cannot be done: its node is in Error. */
export class TaskError extends UserError {}
