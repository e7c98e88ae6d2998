import { describe, expect, it } from 'vitest';

import { type ApiObject } from '#libs/kubernetes';
import { identityLabels } from '#libs/pod-spec';
import { AnnotationName } from '#libs/workflow-spec';

import { observedPod } from './observed-pod.js';
import { assessPod, isLeftToOthers } from './pod-assessment.js';
import { EndCause, PodMark } from './pod-marks.js';

const identity = { workflowUid: 'uid-1', nodeId: 'node-1', incarnation: 0 };

interface Written {
  status: object;
  annotations?: Record<string, string>;
  isDeleted?: boolean;
  nodeName?: string;
  /** Init containers that go on beside the others. */
  natives?: string[];
}
const assessed = ({ status, annotations = {}, isDeleted = false, nodeName = 'n', natives = [] }: Written) => {
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

const ended = (name: string, exitCode: number, more: object = {}) => ({
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
const waiting = (name: string, reason: string, message?: string) => ({ name, state: { waiting: { reason, message } } });
const running = (name: string) => ({ name, ready: true, state: { running: { startedAt: '2026-01-01T00:00:01Z' } } });

describe('the report of a pod, by its status', () => {
  it.each<[string, Written, object]>([
    [
      'a start',
      { status: { phase: 'Pending', containerStatuses: [waiting('main', 'ContainerCreating')] } },
      { phase: 'Pending', ready: false },
    ],
    [
      'an image that cannot be pulled',
      { status: { phase: 'Pending', containerStatuses: [waiting('main', 'ImagePullBackOff', 'Back-off pulling image "x"')] } },
      { phase: 'Pending', message: 'ImagePullBackOff: Back-off pulling image "x"' },
    ],
    [
      'an image of the executor that cannot be pulled',
      {
        status: {
          phase: 'Pending',
          initContainerStatuses: [waiting('init', 'ErrImagePull', 'not found')],
          containerStatuses: [waiting('wait', 'PodInitializing'), waiting('main', 'PodInitializing')],
        },
      },
      { phase: 'Pending', message: 'ErrImagePull: not found' },
    ],
    ...(
      [
        ['an image that has no right name', 'InvalidImageName', 'couldn’t parse image name'],
        ['an image that is never pulled', 'ErrImageNeverPull', 'Container image "x" is not present with pull policy of Never'],
        ['a Secret that is not there', 'CreateContainerConfigError', 'secret "s" not found'],
      ] as const
    ).map(([what, reason, message]): [string, Written, object] => [
      what,
      { status: { phase: 'Pending', containerStatuses: [waiting('main', reason, message)] } },
      { phase: 'Pending', message: `${reason}: ${message}` },
    ]),
    [
      'a gate in front of the scheduler',
      {
        nodeName: '',
        status: {
          phase: 'Pending',
          conditions: [{ type: 'PodScheduled', status: 'False', reason: 'SchedulingGated', message: 'Scheduling is blocked' }],
        },
      },
      { phase: 'Pending', message: 'SchedulingGated: Scheduling is blocked' },
    ],
    [
      'a native sidecar that does not start',
      {
        natives: ['proxy'],
        status: {
          phase: 'Pending',
          initContainerStatuses: [waiting('proxy', 'CrashLoopBackOff', 'back-off 10s restarting failed container')],
          containerStatuses: [waiting('main', 'PodInitializing')],
        },
      },
      { phase: 'Pending', message: 'CrashLoopBackOff: back-off 10s restarting failed container' },
    ],
    [
      'a native sidecar that was ended behind main, and took it ill',
      {
        natives: ['proxy'],
        status: {
          phase: 'Succeeded',
          initContainerStatuses: [ended('proxy', 143)],
          containerStatuses: [ended('main', 0)],
        },
      },
      { phase: 'Succeeded', exitCode: 0 },
    ],
    [
      'a failed main beside a native sidecar',
      {
        natives: ['proxy'],
        status: { phase: 'Failed', initContainerStatuses: [ended('proxy', 1)], containerStatuses: [ended('main', 3)] },
      },
      { phase: 'Failed', exitCode: 3, message: 'main: Error (exit code 3)' },
    ],
    [
      'a container that nobody found again',
      {
        status: {
          phase: 'Failed',
          containerStatuses: [
            ended('main', 137, {
              reason: 'ContainerStatusUnknown',
              message: 'The container could not be located when the pod was terminated',
              startedAt: null,
              finishedAt: null,
            }),
          ],
        },
      },
      {
        phase: 'Failed',
        exitCode: 137,
        message: 'main: ContainerStatusUnknown (exit code 137): The container could not be located when the pod was terminated',
      },
    ],
    [
      'a node that is gone, by whoever collects its pods',
      {
        isDeleted: true,
        status: {
          phase: 'Failed',
          conditions: [
            { type: 'DisruptionTarget', status: 'True', reason: 'DeletionByPodGC', message: 'PodGC: node no longer exists' },
          ],
          containerStatuses: [running('main')],
        },
      },
      { phase: 'Failed', infrastructure: true, message: 'pod deleted' },
    ],
    [
      'a node that does not answer: nobody knows whether its programs run',
      { isDeleted: true, status: { phase: 'Running', reason: 'NodeLost', containerStatuses: [running('main')] } },
      { phase: 'Running' },
    ],
    [
      'a pod that had to make room',
      {
        status: {
          phase: 'Failed',
          reason: 'Preempting',
          message: 'Preempted in order to admit critical pod',
          containerStatuses: [ended('main', 143)],
        },
      },
      { phase: 'Failed', message: 'Preempted in order to admit critical pod' },
    ],
    [
      'a failed init container of the template',
      {
        status: {
          phase: 'Failed',
          initContainerStatuses: [ended('init', 0), ended('prepare', 2)],
          containerStatuses: [waiting('main', 'PodInitializing')],
        },
      },
      { phase: 'Failed', infrastructure: true, message: 'prepare: Error (exit code 2)' },
    ],
    [
      'no node for it',
      {
        nodeName: '',
        status: {
          phase: 'Pending',
          conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: '0/1 nodes are available' }],
        },
      },
      { phase: 'Pending', message: 'Unschedulable: 0/1 nodes are available' },
    ],
    [
      'a run',
      { status: { phase: 'Running', podIP: '10.0.0.1', containerStatuses: [running('main')] } },
      { phase: 'Running', ready: true, podIP: '10.0.0.1' },
    ],
    [
      'a good end',
      { status: { phase: 'Succeeded', containerStatuses: [ended('main', 0)] } },
      { phase: 'Succeeded', exitCode: 0, startedAtMs: 1767225601000, finishedAtMs: 1767225603000 },
    ],
    [
      'the end of all that was ordered, before the pod has its phase',
      { status: { phase: 'Running', containerStatuses: [ended('main', 0)] } },
      { phase: 'Succeeded' },
    ],
    [
      'an exit code',
      { status: { phase: 'Failed', containerStatuses: [ended('main', 2)] } },
      { phase: 'Failed', exitCode: 2, message: 'main: Error (exit code 2)' },
    ],
    [
      'a termination message',
      { status: { phase: 'Failed', containerStatuses: [ended('main', 64, { message: 'failed to find name' })] } },
      { phase: 'Failed', message: 'main: Error (exit code 64): failed to find name' },
    ],
    [
      'too much memory',
      { status: { phase: 'Failed', containerStatuses: [ended('main', 137, { reason: 'OOMKilled' })] } },
      { phase: 'Failed', message: 'main: OOMKilled (exit code 137)' },
    ],
    [
      'a program that cannot be started',
      { status: { phase: 'Failed', containerStatuses: [ended('main', 128, { reason: 'StartError', message: 'no such file' })] } },
      { phase: 'Failed', message: 'main: StartError (exit code 128): no such file' },
    ],
    [
      'a program that is nowhere',
      {
        status: {
          phase: 'Failed',
          containerStatuses: [
            ended('main', 128, {
              reason: 'StartError',
              message: 'failed to create containerd task: exec: "x": executable file not found in $PATH: unknown',
            }),
          ],
        },
      },
      {
        exitCode: 64,
        message: 'main: Error (exit code 64): failed to find name in PATH: exec: "x": executable file not found in $PATH',
      },
    ],
    [
      'a failed init container',
      {
        status: {
          phase: 'Failed',
          initContainerStatuses: [ended('init', 64, { message: "required artifact 'a' not supplied" })],
          containerStatuses: [waiting('main', 'PodInitializing')],
        },
      },
      { phase: 'Failed', infrastructure: true, message: "init: Error (exit code 64): required artifact 'a' not supplied" },
    ],
    [
      'an executor that failed',
      { status: { phase: 'Failed', containerStatuses: [ended('main', 0), ended('wait', 64, { message: 'argosy report 0' })] } },
      { phase: 'Failed', infrastructure: true, message: 'wait: Error (exit code 64)' },
    ],
    [
      'a killed sidecar',
      { status: { phase: 'Failed', containerStatuses: [ended('main', 0), ended('side', 137)] } },
      { phase: 'Succeeded' },
    ],
    [
      'a failed sidecar',
      { status: { phase: 'Failed', containerStatuses: [ended('main', 0), ended('side', 1)] } },
      { phase: 'Failed', message: 'side: Error (exit code 1)' },
    ],
    [
      'the deadline of the pod',
      {
        status: {
          phase: 'Failed',
          reason: 'DeadlineExceeded',
          message: 'Pod was active on the node longer than the specified deadline',
          containerStatuses: [ended('main', 143)],
        },
      },
      { phase: 'Failed', message: 'Pod was active on the node longer than the specified deadline' },
    ],
    [
      'an end that was asked for',
      {
        annotations: { [PodMark.endCause]: EndCause.terminated },
        status: {
          phase: 'Failed',
          reason: 'DeadlineExceeded',
          message: 'Pod was active on the node longer than the specified deadline',
          containerStatuses: [ended('main', 143)],
        },
      },
      { phase: 'Failed', exitCode: 143, message: 'main: Error (exit code 143)' },
    ],
    [
      'an end that was asked for before a kubelet had it',
      { nodeName: '', isDeleted: true, annotations: { [PodMark.endCause]: EndCause.terminated }, status: { phase: 'Pending' } },
      { phase: 'Failed', exitCode: 143, message: 'main: Error (exit code 143)' },
    ],
    [
      'an eviction of a pod that has begun',
      {
        status: {
          phase: 'Failed',
          reason: 'Evicted',
          message: 'The node was low on resource: memory',
          containerStatuses: [ended('main', 137)],
        },
      },
      { phase: 'Failed', message: 'The node was low on resource: memory' },
    ],
    [
      'a deletion by somebody',
      { isDeleted: true, status: { phase: 'Failed', containerStatuses: [ended('main', 143)] } },
      { phase: 'Failed', infrastructure: true, message: 'pod deleted' },
    ],
    [
      'a deletion by somebody before a node was found',
      { isDeleted: true, nodeName: '', status: { phase: 'Pending' } },
      { phase: 'Failed', infrastructure: true, message: 'pod deleted', neverBegan: 'Deleted' },
    ],
    [
      'a deletion by somebody while an init container ran',
      {
        isDeleted: true,
        status: {
          phase: 'Failed',
          initContainerStatuses: [ended('init', 137)],
          containerStatuses: [waiting('main', 'PodInitializing')],
        },
      },
      { phase: 'Failed', infrastructure: true, message: 'pod deleted', neverBegan: 'Deleted' },
    ],
    [
      'a deletion by somebody while its image was missing',
      {
        isDeleted: true,
        status: {
          phase: 'Failed',
          containerStatuses: [ended('main', 137, { reason: 'ContainerStatusUnknown', startedAt: null, finishedAt: null })],
        },
      },
      { phase: 'Failed', infrastructure: true, message: 'pod deleted', exitCode: 137, neverBegan: 'Deleted' },
    ],
    [
      'a deletion of which no kubelet has heard: its program may run by now',
      { isDeleted: true, status: { phase: 'Failed', containerStatuses: [waiting('main', 'ContainerCreating')] } },
      { phase: 'Failed', infrastructure: true, message: 'pod deleted' },
    ],
    [
      'a main container that never started',
      { status: { phase: 'Failed', containerStatuses: [waiting('main', 'CreateContainerError', 'no')] } },
      {
        phase: 'Failed',
        infrastructure: true,
        message: 'Pod failed before main container starts due to CreateContainerError: no',
      },
    ],
  ])('of %s', (_, written, report) => {
    expect(assessed(written).report).toMatchObject(report);
  });

  it.each(['Evicted', 'NodeShutdown', 'NodeAffinity', 'UnexpectedAdmissionError'])(
    'says of a pod that was lost before it began why (%s), so that it may be made anew',
    (reason) => {
      const { report } = assessed({ status: { phase: 'Failed', reason, message: 'The node was low on resource' } });
      expect(report).toMatchObject({ neverBegan: reason, message: 'The node was low on resource' });
      const begun = assessed({ status: { phase: 'Failed', reason, message: 'm', containerStatuses: [ended('main', 137)] } });
      expect(begun.report.neverBegan).toBeUndefined();
    },
  );

  describe('of a start that was cut off', () => {
    const CREATING = 'failed to create containerd task: failed to create shim task: context canceled: unknown';
    const STARTING = 'failed to start containerd task "1a2b": context canceled: unknown';
    const startError = (name: string, message: string) =>
      ended(name, 128, { reason: 'StartError', startedAt: '1970-01-01T00:00:00Z', message });
    const mainsOf = (names: string) => ({ [PodMark.mains]: names, [PodMark.containers]: names });
    const neverBegan = (status: object, annotations = {}) =>
      assessed({ annotations, status: { phase: 'Failed', ...status } }).report.neverBegan;

    it('says that it may be made anew, where nothing of the user can have run', () => {
      expect(neverBegan({ containerStatuses: [startError('main', CREATING)] })).toBe('StartError');
      const init = { initContainerStatuses: [startError('init', STARTING)] };
      expect(neverBegan({ ...init, containerStatuses: [waiting('main', 'PodInitializing')] })).toBe('StartError');
      expect(neverBegan({ containerStatuses: [startError('a', CREATING), waiting('b', '')] }, mainsOf('a,b'))).toBe('StartError');
    });

    it('does not, where something may have run', () => {
      expect(neverBegan({ containerStatuses: [startError('main', STARTING)] })).toBeUndefined();
      expect(
        neverBegan({ containerStatuses: [startError('a', CREATING), ended('b', 0)] }, mainsOf('a,b')),
        'the other of a set',
      ).toBeUndefined();
      expect(
        neverBegan({ containerStatuses: [startError('a', CREATING), startError('b', STARTING)] }, mainsOf('a,b')),
      ).toBeUndefined();
    });

    it('says so of an executor that was cut off, without which no wrapper of ours begins its program', () => {
      const containerStatuses = [startError('wait', CREATING), ended('main', 143)];
      expect(neverBegan({ containerStatuses })).toBe('StartError');
      expect(neverBegan({ containerStatuses }, { [PodMark.outputs]: 'task-result' }), 'a pod of Argo').toBeUndefined();
      expect(neverBegan({ containerStatuses: [startError('wait', STARTING), ended('main', 143)] })).toBeUndefined();
      const status = { phase: 'Running', containerStatuses: [startError('wait', CREATING), running('main')] };
      const annotations = { [PodMark.containers]: 'main,wait' };
      expect(assessed({ status, annotations })).toMatchObject({ isEnd: false, isLeft: true });
      expect(assessed({ status, annotations: { ...annotations, [PodMark.outputs]: 'task-result' } }).isLeft).toBe(false);
    });

    it('does not, where it would fail again', () => {
      const message = 'failed to create containerd task: mkdir /etc/passwd/x: not a directory: unknown';
      expect(neverBegan({ containerStatuses: [startError('main', message)] })).toBeUndefined();
    });

    it('has the executor ended, which waits for a program that never begins', () => {
      const status = { phase: 'Running', containerStatuses: [startError('main', CREATING), running('wait')] };
      const annotations = { [PodMark.containers]: 'main,wait' };
      expect(assessed({ status, annotations })).toMatchObject({ isEnd: false, isLeft: true });
      const begun = { phase: 'Running', containerStatuses: [ended('main', 1), running('wait')] };
      expect(assessed({ status: begun, annotations })).toMatchObject({ isEnd: false, isLeft: false });
    });
  });

  it('does not wait for containers that others have put into the pod', () => {
    const status = { phase: 'Running', containerStatuses: [ended('main', 0), running('injected')] };
    expect(assessed({ status })).toMatchObject({ isEnd: true, isLeft: true, report: { phase: 'Succeeded' } });
    const waits = assessed({ status, annotations: { [PodMark.containers]: 'main,injected' } });
    expect(waits).toMatchObject({ isEnd: false, isLeft: false });
  });

  it('tells the progress of the annotation, where it is one', () => {
    const status = { phase: 'Running', containerStatuses: [running('main')] };
    const told = (text: string) => assessed({ status, annotations: { [AnnotationName.progress]: text } }).report.progress;
    expect([told('3/7'), told('8/7'), told('much')]).toEqual(['3/7', undefined, undefined]);
  });

  it('leaves nothing to others where only the phase is late', () => {
    const status = { phase: 'Running', containerStatuses: [ended('main', 0)] };
    expect(assessed({ status })).toMatchObject({ isEnd: true, isLeft: false });
  });

  it('reports the members of a set', () => {
    const annotations = { [PodMark.mains]: 'a,b', [PodMark.set]: 'true', [PodMark.containers]: 'a,b' };
    const { report } = assessed({ annotations, status: { phase: 'Running', containerStatuses: [ended('a', 3), running('b')] } });
    expect(report.containers).toMatchObject([
      { name: 'a', phase: 'Failed', exitCode: 3, message: 'Error (exit code 3): ' },
      { name: 'b', phase: 'Running' },
    ]);
  });
});
