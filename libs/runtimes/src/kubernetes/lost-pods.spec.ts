import { describe, expect, it } from 'vitest';

import { assessed, ended, running, waiting, type WrittenPod } from '../../../testing/src/assessed-pod.js';

describe('the report of a pod that was taken away', () => {
  it.each<[string, WrittenPod, object]>([
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
});
