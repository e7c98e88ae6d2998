import { Readable } from 'node:stream';

import { describe, expect, it } from 'vitest';

import { type ApiObject, type KubernetesApi } from '#libs/kubernetes';
import { identityLabels } from '#libs/pod-spec';
import { AnnotationName } from '#libs/workflow-spec';

import { type ObservedPod, observedPod } from './observed-pod.js';
import { readPodLog } from './pod-log.js';

const identity = { workflowUid: 'w', nodeId: 'n', incarnation: 0 };
const podIn = (phase: string, state?: object): ApiObject =>
  ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      ...{ name: 'p', namespace: 'argo', uid: 'u' },
      ...{ labels: identityLabels(identity), annotations: { [AnnotationName.nodeId]: identity.nodeId } },
    },
    spec: {},
    status: { phase, ...(state === undefined ? {} : { containerStatuses: [{ name: 'main', state }] }) },
  }) as unknown as ApiObject;
const ENDED = { terminated: { exitCode: 0, reason: 'Completed' } };

/** The log is one text after the other, and the pod is in one state after the other; the last of each stays. */
async function followed(texts: string[], pods: ApiObject[]): Promise<{ lines: string[]; reads: number }> {
  let reads = 0;
  const api = {
    log: () => Promise.resolve(Readable.from([Buffer.from(texts[Math.min(reads++, texts.length - 1)] ?? '')])),
    get: () => Promise.resolve(pods.length > 1 ? pods.shift() : pods[0]),
  } as unknown as KubernetesApi;
  const lines: string[] = [];
  const pod = observedPod(podIn('Pending')) as ObservedPod;
  for await (const { text } of readPodLog(api, pod, { follow: true })) lines.push(text);
  return { lines, reads };
}
const LINE = '2026-01-01T00:00:00.000000000Z hello\n';

describe('the log of a pod that is followed', () => {
  it('is waited for where the pod has no node yet, of which the API server gives an empty log', async () => {
    expect(await followed(['', LINE], [podIn('Pending')])).toEqual({ lines: ['hello'], reads: 2 });
  });

  it('ends without a line where the container has printed none', async () => {
    expect(await followed([''], [podIn('Running', ENDED)])).toEqual({ lines: [], reads: 1 });
    expect(await followed([''], [podIn('Pending'), podIn('Succeeded')])).toEqual({ lines: [], reads: 2 });
  });

  it('is not read twice', async () => {
    expect(await followed([LINE], [podIn('Running')])).toEqual({ lines: ['hello'], reads: 1 });
  });
});
