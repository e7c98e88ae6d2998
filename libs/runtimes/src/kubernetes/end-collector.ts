import { setTimeout as sleep } from 'node:timers/promises';

import { type KubernetesApi, KubernetesUnavailableError } from '#libs/kubernetes';
import type { ExecutorPod } from '#libs/pod-spec';
import { TransientError } from '#libs/workflow-spec';

import type { RuntimeLogger } from '../collaborators.js';
import type { PodObservation } from '../contract.js';
import type { CaptureResult } from '../staging.js';
import { decodeReport, reportPlace } from './executor-report.js';
import type { ObservedPod } from './observed-pod.js';
import { lastLogLine } from './pod-log.js';
import { TaskResults } from './task-results.js';

type Report = Omit<PodObservation, 'identity'>;

const NO_REPORT = 'wait: the executor ended without a report of the outputs';
const LONGEST_PAUSE_MS = 10_000;
/** As long as Argo waits for a WorkflowTaskResult. */
const PATIENCE_MS = 600_000;

/** Puts the outputs to the end of a pod: from the termination message of `wait`, or from a WorkflowTaskResult or its log where they are large. */
export class EndCollector {
  private readonly running = new Set<Promise<void>>();

  private readonly results: TaskResults;

  /** `patienceMs`: for how long outputs may not be read while the API server itself answers. */
  constructor(private readonly parts: { api: KubernetesApi; logger: RuntimeLogger; signal: AbortSignal; patienceMs?: number }) {
    this.results = new TaskResults(parts.api);
  }

  /** Tells the whole end, at once where there is nothing to read. */
  collect(pod: ObservedPod, report: Report, tell: (end: Report) => void): void {
    const wait = pod.containers.find(({ name, isInit }) => name === 'wait' && !isInit);
    if (wait === undefined || pod.mains.includes('wait')) return tell(report);
    const work = this.captured(pod, wait.ended?.message ?? '')
      .then((captured) => tell(withOutputs(report, captured)))
      .catch((error: unknown) => {
        if (!this.parts.signal.aborted) tell(withOutputs(report, { outputs: {}, error: unreadable(error) }));
      })
      .finally(() => this.running.delete(work));
    this.running.add(work);
  }

  async settled(): Promise<void> {
    await Promise.all(this.running);
  }

  private async captured(pod: ObservedPod, message: string): Promise<CaptureResult> {
    const { executorPod, identity, namespace } = pod;
    if (pod.leavesTaskResult === true) {
      const result = await this.patiently(pod, () => this.results.find(namespace, identity.nodeId));
      return result === undefined ? { outputs: {}, error: NO_REPORT } : { outputs: result.outputs };
    }
    const place = reportPlace(message);
    if (place.type === 'missing' || executorPod === undefined) return { outputs: {}, error: NO_REPORT };
    if (place.type === 'result') {
      const { uid } = place;
      return { outputs: await this.patiently(pod, () => this.results.outputsOf({ namespace, nodeId: identity.nodeId, uid })) };
    }
    const text = place.type === 'here' ? place.text : await this.patiently(pod, () => this.fromLog(pod, place.length));
    return decodeReport(text, JSON.parse(executorPod) as ExecutorPod);
  }

  private async fromLog(pod: ObservedPod, length: number): Promise<string> {
    const line = await lastLogLine(this.parts.api, pod, { container: 'wait', bytes: length });
    if (line.length !== length) throw new Error(`the report has ${line.length} bytes, not ${length}`);
    return line;
  }

  /** A node whose kubelet is gone for good has no outputs: of the time in which the API server itself answers, so much is waited. */
  private async patiently<T>(pod: ObservedPod, read: () => Promise<T>): Promise<T> {
    const { signal, logger, patienceMs = PATIENCE_MS } = this.parts;
    let waitedMs = 0;
    for (let pauseMs = 250; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
      try {
        return await read();
      } catch (error) {
        if (!(error instanceof TransientError)) throw error;
        const isAway = isServerAway(error);
        if (!isAway && waitedMs >= patienceMs) throw error;
        logger.warn('the outputs of a pod cannot be read; trying again', { err: error, pod: pod.name });
        await sleep(pauseMs, undefined, { signal });
        if (!isAway) waitedMs += pauseMs;
      }
    }
  }
}

const isServerAway = (error: TransientError): boolean =>
  error instanceof KubernetesUnavailableError && error.said.httpStatus === 0;

/** A capture that failed counts where the program itself has ended well, or its executor alone has failed. */
function withOutputs(report: Report, { outputs, error }: CaptureResult): Report {
  const whole = { ...report, outputs };
  const isExecutors = report.message === undefined || report.message.startsWith('wait: ');
  if (error === undefined || !isExecutors) return whole;
  return { ...whole, phase: 'Failed', message: error, infrastructure: true };
}

const unreadable = (error: unknown): string =>
  `wait: the outputs cannot be read: ${error instanceof Error ? error.message : String(error)}`;
