import { describe, expect, it } from 'vitest';

import { AnnotationName } from '#libs/workflow-spec';

import { assessed, ended, running, waiting, type WrittenPod } from '../../../testing/src/assessed-pod.js';
import { EndCause, PodMark } from './pod-marks.js';

describe('the report of a pod, by its status', () => {
  it.each<[string, WrittenPod, object]>([
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
    ).map(([what, reason, message]): [string, WrittenPod, object] => [
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
