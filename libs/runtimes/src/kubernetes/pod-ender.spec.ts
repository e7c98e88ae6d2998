import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { quietLogger } from '#libs/testing';

import type { ObservedPod } from './observed-pod.js';
import { PodEnder } from './pod-ender.js';
import { EndCause } from './pod-marks.js';

const pod = (uid: string): ObservedPod => ({
  ...{ identity: { workflowUid: 'w', nodeId: uid, incarnation: 0 }, namespace: 'argo', name: uid, uid },
  ...{ mains: ['main'], isContainerSet: false, phase: 'Pending', reason: '', message: '' },
  ...{ isDeleted: false, isHeld: true, finalizers: [], containers: [] },
});

describe('the ends of pods that are asked for', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  const opened = (answers: (() => Promise<undefined>)[] = []) => {
    const asked: string[] = [];
    const end = ({ uid }: { uid: string }): Promise<undefined> => {
      asked.push(uid);
      return answers.shift()?.() ?? Promise.resolve(undefined);
    };
    return { asked, ender: new PodEnder({ pods: { end }, logger: quietLogger }) };
  };

  it('come at their time, the first that was set', async () => {
    const { asked, ender } = opened();
    ender.later(pod('a'), EndCause.left, 2_000);
    ender.later(pod('a'), EndCause.left, 100);
    await vi.advanceTimersByTimeAsync(1_999);
    expect(asked).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(asked).toEqual(['a']);
  });

  it('come once where they are asked for at once and later', async () => {
    const { asked, ender } = opened();
    ender.later(pod('a'), EndCause.terminated, 100);
    ender.now(pod('a'), EndCause.terminated);
    ender.now(pod('a'), EndCause.terminated);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(asked).toEqual(['a']);
  });

  it('are asked for again while the API server is away', async () => {
    const away = (): Promise<undefined> => Promise.reject(new Error('connection refused'));
    const { asked, ender } = opened([away, away]);
    ender.now(pod('a'), EndCause.terminated);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(asked).toEqual(['a', 'a', 'a']);
  });

  it('are nobody’s after the end of the runtime', async () => {
    const { asked, ender } = opened([() => Promise.reject(new Error('connection refused'))]);
    ender.later(pod('a'), EndCause.left, 100);
    ender.now(pod('b'), EndCause.left);
    ender.close();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(asked).toEqual(['b']);
  });
});
