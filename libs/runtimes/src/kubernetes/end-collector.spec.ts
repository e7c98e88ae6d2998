import { describe, expect, it } from 'vitest';

import { type KubernetesApi, KubernetesNotFoundError, KubernetesUnavailableError } from '#libs/kubernetes';

import type { PodObservation } from '../contract.js';
import { EndCollector } from './end-collector.js';
import type { ObservedPod } from './observed-pod.js';

const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
const executorPod = JSON.stringify({ work: { captureResult: true, outputParameters: [] }, containers: [] });

const podWith = (message: string): ObservedPod =>
  ({
    identity: { workflowUid: 'w', nodeId: 'node-1', incarnation: 0 },
    namespace: 'lab',
    name: 'p',
    mains: ['main'],
    executorPod,
    containers: [{ name: 'wait', isInit: false, isReady: false, isRunning: false, ended: { exitCode: 0, reason: '', message } }],
  }) as unknown as ObservedPod;

/** What is told of a pod that has ended well, with an API server that answers so. */
const collected = (message: string, api: Partial<Record<'get' | 'log', () => Promise<unknown>>>, patienceMs = 300) =>
  new Promise<Omit<PodObservation, 'identity'>>((settle) => {
    const collector = new EndCollector({
      api: api as unknown as KubernetesApi,
      logger: quiet,
      signal: new AbortController().signal,
      patienceMs,
    });
    collector.collect(podWith(message), { phase: 'Succeeded' }, settle);
  });

const away = (httpStatus: number) =>
  Promise.reject(new KubernetesUnavailableError({ httpStatus, reason: '', message: `status ${httpStatus}` }));

describe('the outputs of a pod that has ended', () => {
  it('are those of the WorkflowTaskResult that its executor names', async () => {
    const object = { metadata: { name: 'node-1', uid: 'u-1' }, outputs: { result: 'large' } };
    const get = () => Promise.resolve(object);
    expect(await collected('argosy result u-1', { get })).toEqual({ phase: 'Succeeded', outputs: { result: 'large' } });
  });

  it.each([
    ['is gone', () => Promise.reject(new KubernetesNotFoundError({ httpStatus: 404, reason: 'NotFound', message: 'no' }))],
    ['is that of another pod', () => Promise.resolve({ metadata: { name: 'node-1', uid: 'u-0' }, outputs: { result: 'old' } })],
  ])('fail the pod with a message where that object %s', async (_, get) => {
    expect(await collected('argosy result u-1', { get })).toEqual({
      phase: 'Failed',
      outputs: {},
      infrastructure: true,
      message: 'wait: the outputs cannot be read: WorkflowTaskResult node-1 that the executor has left is gone',
    });
  });

  it('fail the pod with a message where its kubelet does not come back', async () => {
    expect(await collected('argosy log 8000', { log: () => away(500) })).toMatchObject({
      phase: 'Failed',
      message: 'wait: the outputs cannot be read: status 500',
      infrastructure: true,
    });
  });

  it('are waited for while the API server itself is away', async () => {
    let calls = 0;
    const get = () => {
      calls += 1;
      return calls < 3 ? away(0) : Promise.resolve({ metadata: { name: 'node-1', uid: 'u-1' }, outputs: { result: 'late' } });
    };
    expect(await collected('argosy result u-1', { get }, 0)).toMatchObject({ phase: 'Succeeded', outputs: { result: 'late' } });
  });
});
