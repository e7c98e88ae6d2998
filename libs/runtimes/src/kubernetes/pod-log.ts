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
  const container = options.container ?? mainOf(pod);
  const { signal, follow = false, sinceMs = 0 } = options;
  let hasRead = false;
  while (!isAborted(signal)) {
    try {
      const body = await api.log(pod, { container, timestamps: true, ...requested(options) });
      for await (const line of createInterface({ input: body, crlfDelay: 0 })) {
        hasRead = true;
        const read = logLine(container, line);
        if (read.atMs >= sinceMs) yield read;
      }
    } catch (error) {
      if (!isAborted(signal) && !isAbsent(error)) throw error;
    }
    // Of a pod that has no node yet the API server gives an empty log.
    if (hasRead || isAborted(signal) || !follow || !(await mayStart(api, pod, container))) return;
    await sleep(START_PAUSE_MS, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
  }
}

const requested = ({ follow, tailLines, sinceMs, signal }: LogOptions) => ({
  ...(follow === true ? { follow } : {}),
  ...(tailLines === undefined ? {} : { tailLines }),
  ...(sinceMs === undefined ? {} : { sinceTime: new Date(sinceMs).toISOString() }),
  ...(signal === undefined ? {} : { signal }),
});

/** Container runtimes keep a long line in pieces (containerd of 16 KiB, CRI-O of 8), and a kubelet counts those as lines. */
const LEAST_PIECE_BYTES = 4_096;

/** The last line that a container printed, which has so many bytes at most. */
export async function lastLogLine(
  api: KubernetesApi,
  pod: Pick<ObservedPod, 'namespace' | 'name'>,
  { container, bytes }: { container: string; bytes: number },
): Promise<string> {
  const body = await api.log(pod, { container, tailLines: Math.ceil(bytes / LEAST_PIECE_BYTES) + 1 });
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      length += chunk.length;
      while (length - (chunks[0]?.length ?? 0) > bytes) length -= chunks.shift()?.length ?? 0;
    }
  } catch (error) {
    throw new TransientError(`the log of a container broke off: ${(error as Error).message}`, { cause: error });
  }
  const text = Buffer.concat(chunks).toString('utf8').replace(/\n$/, '');
  return text.slice(text.lastIndexOf('\n') + 1);
}

/** The pod is gone, or the container is not there, perhaps not yet. */
const isAbsent = (error: unknown): boolean => error instanceof KubernetesNotFoundError || error instanceof KubernetesInvalidError;

const mainOf = ({ mains }: ObservedPod): string => (mains.includes('main') ? 'main' : (mains[0] ?? 'main'));

const isAborted = (signal: AbortSignal | undefined): boolean => signal?.aborted ?? false;

async function mayStart(api: KubernetesApi, { namespace, name, uid }: ObservedPod, container: string): Promise<boolean> {
  try {
    const pod = observedPod(await api.get({ apiVersion: 'v1', plural: 'pods', namespace, name }));
    if (pod === undefined || pod.uid !== uid || assessPod(pod).isEnd) return false;
    if (pod.containers.some(({ name: other, ended }) => other === container && ended !== undefined)) return false;
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
