import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

import { KubernetesInvalidError, KubernetesNotFoundError, type KubernetesApi } from '#libs/kubernetes';
import { TransientError } from '#libs/workflow-spec';

import type { LogLine, LogOptions } from '../contract.js';
import type { ObservedPod } from './observed-pod.js';
import { observedPod } from './observed-pod.js';
import { assessPod } from './pod-assessment.js';

const START_PAUSE_MS = 250;

/** The lines of a container as the kubelet has them; none for a container that the pod does not have. Follows until it has ended or the signal is given. */
export async function* readPodLog(api: KubernetesApi, pod: ObservedPod, options: LogOptions): AsyncGenerator<LogLine> {
  const container = options.container ?? (pod.mains.includes('main') ? 'main' : (pod.mains[0] ?? 'main'));
  const { signal } = options;
  while (!isAborted(signal)) {
    try {
      const body = await api.log(pod, {
        container,
        timestamps: true,
        ...(options.follow === true ? { follow: true } : {}),
        ...(options.tailLines === undefined ? {} : { tailLines: options.tailLines }),
        ...(options.sinceMs === undefined ? {} : { sinceTime: new Date(options.sinceMs).toISOString() }),
        ...(signal === undefined ? {} : { signal }),
      });
      const since = options.sinceMs ?? 0;
      for await (const line of createInterface({ input: body, crlfDelay: 0 })) {
        const read = logLine(container, line);
        if (read.atMs >= since) yield read;
      }
      return;
    } catch (error) {
      if (isAborted(signal) || error instanceof KubernetesNotFoundError) return;
      if (!(error instanceof KubernetesInvalidError)) throw error;
      if (options.follow !== true || !(await mayStart(api, pod, container))) return;
      await sleep(START_PAUSE_MS, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
    }
  }
}

/** The last line that a container printed, which has so many bytes at most. */
export async function lastLogLine(
  api: KubernetesApi,
  pod: Pick<ObservedPod, 'namespace' | 'name'>,
  { container, bytes }: { container: string; bytes: number },
): Promise<string> {
  const body = await api.log(pod, { container, tailLines: 1 });
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      length += chunk.length;
      if (length > bytes + 1) break;
    }
  } catch (error) {
    throw new TransientError(`the log of a container broke off: ${(error as Error).message}`, { cause: error });
  }
  return Buffer.concat(chunks).toString('utf8').replace(/\n$/, '');
}

const isAborted = (signal: AbortSignal | undefined): boolean => signal?.aborted ?? false;

async function mayStart(api: KubernetesApi, { namespace, name, uid }: ObservedPod, container: string): Promise<boolean> {
  try {
    const pod = observedPod(await api.get({ apiVersion: 'v1', plural: 'pods', namespace, name }));
    if (pod === undefined || pod.uid !== uid || assessPod(pod).isEnd) return false;
    return pod.ordered?.includes(container) ?? true;
  } catch (error) {
    if (error instanceof KubernetesNotFoundError) return false;
    throw error;
  }
}

/** The kubelet puts a time of nanoseconds and a space before each line. */
function logLine(container: string, line: string): LogLine {
  const space = line.indexOf(' ');
  const atMs = Date.parse(line.slice(0, space));
  return Number.isNaN(atMs) ? { container, atMs: 0, text: line } : { container, atMs, text: line.slice(space + 1) };
}
