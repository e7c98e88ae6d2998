import { describe, expect, it } from 'vitest';

import { assessed, ended, running, waiting } from '../../../testing/src/assessed-pod.js';
import { PodMark } from './pod-marks.js';

describe('the report of a start that was cut off', () => {
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
