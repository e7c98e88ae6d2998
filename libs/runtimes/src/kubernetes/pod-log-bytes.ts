import { setTimeout as sleep } from 'node:timers/promises';

import { KubernetesInvalidError, KubernetesNotFoundError, type KubernetesApi } from '#libs/kubernetes';
import { TransientError } from '#libs/workflow-spec';

import type { LogChunk } from '../contract.js';
import { type ObservedPod, observedPod } from './observed-pod.js';
import { assessPod } from './pod-assessment.js';
import { TimedLog } from './timed-log.js';

/** After an answer that ended before the container did: it has not begun, the kubelet has rotated its file, the API server was restarted. */
const PAUSE_MS = 1_000;

export interface ByteReading {
  container: string;
  fromByte: number;
  bookmark?: string | undefined;
  signal: AbortSignal;
}

/**
 * All that a container prints, as the kubelet keeps it, until it has ended, its pod is gone or the signal is given. Without a bookmark the log is
 * read from its beginning and what is before `fromByte` is left out. Memory holds what one read gives. Throws TransientError where
 * the API server or the node is away.
 */
export async function* readPodLogBytes(api: KubernetesApi, pod: ObservedPod, reading: ByteReading): AsyncGenerator<LogChunk> {
  const { container, bookmark, signal } = reading;
  const log = new TimedLog(bookmark);
  let left = bookmark === undefined ? reading.fromByte : 0;
  while (!signal.aborted) {
    const hadEnded = await hasEnded(api, pod, container);
    for await (const chunk of answerBytes(api, pod, { log, container, signal })) {
      const bytes = chunk.bytes.subarray(Math.min(left, chunk.bytes.length));
      left -= chunk.bytes.length - bytes.length;
      if (bytes.length > 0) yield { ...chunk, bytes };
    }
    if (hadEnded) return;
    await sleep(PAUSE_MS, undefined, { signal, ref: false }).catch(() => undefined);
  }
}

/** The new bytes of one answer, however it ends. */
async function* answerBytes(
  api: KubernetesApi,
  pod: ObservedPod,
  { log, container, signal }: { log: TimedLog; container: string; signal: AbortSignal },
): AsyncGenerator<LogChunk> {
  const { since } = log;
  const from = since === undefined ? {} : { sinceTime: since };
  try {
    const body = await api.log(pod, { container, timestamps: true, follow: true, signal, ...from });
    log.begin();
    for await (const bytes of body as AsyncIterable<Buffer>) {
      const chunk = log.read(bytes);
      if (chunk !== undefined) yield chunk;
    }
  } catch (error) {
    if (signal.aborted || isAbsent(error)) return;
    if (error instanceof TransientError) throw error;
    throw new TransientError(`the log of a container broke off: ${(error as Error).message}`, { cause: error });
  }
}

/** Whether nothing more is to come: what is read after this is all. */
async function hasEnded(api: KubernetesApi, { namespace, name, uid }: ObservedPod, container: string): Promise<boolean> {
  try {
    const pod = observedPod(await api.get({ apiVersion: 'v1', plural: 'pods', namespace, name }));
    if (pod === undefined || pod.uid !== uid || assessPod(pod).isEnd) return true;
    return pod.containers.find((each) => each.name === container)?.ended !== undefined;
  } catch (error) {
    if (error instanceof KubernetesNotFoundError) return true;
    throw error;
  }
}

/** The pod is gone, or the container is not there, perhaps not yet. */
const isAbsent = (error: unknown): boolean => error instanceof KubernetesNotFoundError || error instanceof KubernetesInvalidError;
