import type { ApiObject } from '#libs/kubernetes';
import { identityLabels } from '#libs/pod-spec';
import { AnnotationName } from '#libs/workflow-spec';

import { observedPod } from '../../runtimes/src/kubernetes/observed-pod.js';
import { assessPod, isLeftToOthers } from '../../runtimes/src/kubernetes/pod-assessment.js';
import { PodMark } from '../../runtimes/src/kubernetes/pod-marks.js';

const identity = { workflowUid: 'uid-1', nodeId: 'node-1', incarnation: 0 };

/** A Pod as the API server has it, and what differs from an ordinary one. */
export interface WrittenPod {
  status: object;
  annotations?: Record<string, string>;
  isDeleted?: boolean;
  /** '': no node. */
  nodeName?: string;
  /** Init containers that go on beside the others. */
  natives?: string[];
}

/** What is told of a pod `p` with the container `main` on the node `n`; `isLeft`: containers go on that will not end by themselves. */
export const assessed = ({ status, annotations = {}, isDeleted = false, nodeName = 'n', natives = [] }: WrittenPod) => {
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: 'p',
      namespace: 'argo',
      uid: 'u',
      labels: identityLabels(identity),
      annotations: { [AnnotationName.nodeId]: identity.nodeId, [PodMark.containers]: 'main', ...annotations },
      ...(isDeleted ? { deletionTimestamp: '2026-01-01T00:00:00Z' } : {}),
    },
    spec: {
      ...(nodeName === '' ? {} : { nodeName }),
      initContainers: natives.map((name) => ({ name, restartPolicy: 'Always' })),
    },
    status,
  } as unknown as ApiObject;
  const observed = observedPod(pod);
  if (observed === undefined) throw new Error('not ours');
  return { ...assessPod(observed), isLeft: isLeftToOthers(observed) };
};

/** The status of a container that has run from second 1 to second 3. */
export const ended = (name: string, exitCode: number, more: object = {}) => ({
  name,
  state: {
    terminated: {
      exitCode,
      reason: exitCode === 0 ? 'Completed' : 'Error',
      startedAt: '2026-01-01T00:00:01Z',
      finishedAt: '2026-01-01T00:00:03Z',
      ...more,
    },
  },
});

export const waiting = (name: string, reason: string, message?: string) => ({ name, state: { waiting: { reason, message } } });

export const running = (name: string) => ({ name, ready: true, state: { running: { startedAt: '2026-01-01T00:00:01Z' } } });
