import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '#libs/observability';
import type { PodManifest, TaskOrder } from '#libs/pod-spec';
import type { PodIdentity, PodObservation } from '#libs/runtimes';
import { TransientError, UserError, type Clock } from '#libs/workflow-spec';
import { TaskLog } from './task-log.js';
import { TaskError, type TaskEnd, type TaskRun, type TaskRunner, type TaskRunners } from './task.js';

/** What ended a task from outside. `closing` and `deleted`: nobody is told. */
type Stop = 'terminated' | 'deadline' | 'deleted' | 'closing';

export interface TaskCourseParts {
  runners: TaskRunners;
  observe: (observations: PodObservation[]) => Promise<void>;
  /** Keeps the log of an ended task where logs are archived, and gives the artifact that says where. */
  keepLog: (manifest: PodManifest, text: string) => Promise<NonNullable<PodObservation['outputs']>['artifacts']>;
  clock: Clock;
  logger: Logger;
  hostName: string;
}

const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 30_000;
/** The longest that a timer can wait, about 25 days; what has more time than that has no timer. */
const MAX_TIMER_MS = 2_147_483_647;

const STOP_MESSAGES: Partial<Record<Stop, string>> = {
  deadline: 'Pod was active on the node longer than the specified deadline',
  terminated: 'main: Error (exit code 143)',
};

/**
 * One task from its begin to the moment at which its end is safe in the database.
 * States: running → ended (told until it is heard) → done; `stop` leads from running to ended, or silently to done.
 */
export class TaskCourse {
  readonly log: TaskLog;
  readonly done: Promise<void>;
  private readonly controller = new AbortController();
  private stopped: Stop | undefined;
  private readonly startedAtMs: number;
  private isOver = false;

  constructor(
    readonly identity: PodIdentity,
    private readonly manifest: PodManifest & { work: { task: TaskOrder } },
    private readonly parts: TaskCourseParts,
  ) {
    this.log = new TaskLog(parts.clock);
    this.startedAtMs = parts.clock.nowMs();
    this.done = this.run().finally(() => {
      this.isOver = true;
      this.log.close();
    });
  }

  /** Whether its end is safe, or nobody is to be told any more. */
  get isDone(): boolean {
    return this.isOver;
  }

  stop(reason: Stop): void {
    this.stopped ??= reason;
    this.controller.abort();
  }

  private async run(): Promise<void> {
    const { deadlineMs } = this.manifest.work;
    const leftMs = deadlineMs === undefined ? undefined : Math.max(0, deadlineMs - this.startedAtMs);
    const isNear = leftMs !== undefined && leftMs <= MAX_TIMER_MS;
    const timer = isNear ? setTimeout(() => this.stop('deadline'), leftMs) : undefined;
    void this.tell({ phase: 'Running' });
    try {
      const end = await Promise.race([this.untilEnded(), this.stopSignal()]);
      if (end !== undefined) await this.tell({ ...(await this.withLog(end)), finishedAtMs: this.parts.clock.nowMs() });
    } finally {
      clearTimeout(timer);
    }
  }

  /** The end of a task that was stopped; undefined where nobody is to be told. */
  private stopSignal(): Promise<TaskEnd | undefined> {
    return new Promise((resolve) => {
      const { signal } = this.controller;
      const give = (): void => {
        const message = STOP_MESSAGES[this.stopped ?? 'closing'];
        resolve(message === undefined ? undefined : { phase: 'Failed', message });
      };
      if (signal.aborted) give();
      else signal.addEventListener('abort', give, { once: true });
    });
  }

  private async untilEnded(): Promise<TaskEnd | undefined> {
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
      try {
        return await this.attempt();
      } catch (error) {
        if (this.controller.signal.aborted) return this.stopSignal();
        const message = error instanceof Error ? error.message : String(error);
        if (!(error instanceof TransientError)) return this.failed(error, message);
        this.parts.logger.warn('a task has to wait; trying again', { ...this.fields(), error: message, pauseMs });
        await sleep(pauseMs, undefined, { signal: this.controller.signal }).catch(() => undefined);
      }
    }
  }

  private failed(error: unknown, message: string): TaskEnd {
    if (!(error instanceof UserError)) this.parts.logger.error('a task failed unexpectedly', { ...this.fields(), err: error });
    this.log.write(message);
    return { phase: 'Failed', infrastructure: true, message };
  }

  private attempt(): Promise<TaskEnd> {
    const order = this.manifest.work.task;
    const run: TaskRun = {
      identity: this.identity,
      manifest: this.manifest,
      order,
      signal: this.controller.signal,
      log: (line) => this.log.write(line),
      report: (seen) => this.tell({ phase: 'Running', ...seen }),
    };
    const runner = this.parts.runners[order.kind] as TaskRunner | undefined;
    if (runner === undefined) return Promise.reject(new TaskError(`${order.kind} templates cannot be done here`));
    return runner(run);
  }

  private async withLog(end: TaskEnd): Promise<TaskEnd> {
    const artifacts = await this.parts.keepLog(this.manifest, this.log.text()).catch((error: unknown) => {
      this.parts.logger.warn('the log of a task could not be kept', { ...this.fields(), err: error });
      return undefined;
    });
    return artifacts === undefined || artifacts.length === 0 ? end : { ...end, outputs: { ...end.outputs, artifacts } };
  }

  /** Tells until it is heard: the database may be away for a while. */
  private async tell(seen: Omit<PodObservation, 'identity'>): Promise<void> {
    const { startedAtMs, identity } = this;
    const observation = { identity, hostNodeName: this.parts.hostName, startedAtMs, ...seen };
    for (let pauseMs = FIRST_PAUSE_MS; !this.isSilenced(); pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
      try {
        return await this.parts.observe([observation]);
      } catch {
        await sleep(pauseMs);
      }
    }
  }

  private isSilenced(): boolean {
    return this.stopped === 'closing' || this.stopped === 'deleted';
  }

  private fields(): Record<string, unknown> {
    const { workflowUid, nodeId } = this.identity;
    return { workflow: workflowUid, node: nodeId, task: this.manifest.work.task.kind };
  }
}
