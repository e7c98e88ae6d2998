import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { quietLogger } from '#libs/testing';

import type { ObservedContainer, ObservedPod } from './observed-pod.js';
import { EndCause } from './pod-marks.js';
import { StalledPods } from './stalled-pods.js';

const container = (name: string, more: Partial<ObservedContainer>): ObservedContainer => ({
  ...{ name, isInit: false, isNativeSidecar: false, isReady: false, isRunning: false },
  ...more,
});
const pod = (containers: ObservedContainer[], more: Partial<ObservedPod> = {}): ObservedPod => ({
  ...{ identity: { workflowUid: 'w', nodeId: 'n', incarnation: 0 }, namespace: 'argo', name: 'p', uid: 'u' },
  ...{ resourceVersion: '1', phase: 'Running', reason: '', message: '', nodeName: 'n1' },
  ...{ mains: ['main'], ordered: ['main', 'wait'], isContainerSet: false, isDeleted: false, isHeld: true, finalizers: [] },
  containers,
  ...more,
});
const running = (name: string): ObservedContainer => container(name, { isRunning: true });
const ended = (name: string): ObservedContainer =>
  container(name, { ended: { exitCode: 0, reason: 'Completed', message: '', startedAtMs: 1 } });
const waiting = (more: Partial<ObservedContainer> = {}): ObservedContainer =>
  container('main', { waiting: { reason: '', message: '' }, ...more });

/** Pods that are helped, with `now` as what the API server has of them. */
const opened = () => {
  const done: string[] = [];
  const there: { now: ObservedPod | undefined } = { now: undefined };
  const note = (what: string) => Promise.resolve(void done.push(what));
  const stalled = new StalledPods({
    pods: {
      end: (_pod, cause) => note(`end ${cause}`).then(() => undefined),
      delete: () => note('delete'),
      deleteUnbound: () => note('delete unbound'),
    },
    look: () => Promise.resolve(there.now),
    overdue: ({ uid }) => void done.push(`overdue ${uid}`),
    patience: { patienceWithOthersMs: 100, patienceWithStartsMs: 200, patienceWithStuckStartsMs: 300 },
    logger: quietLogger,
  });
  return { done, there, stalled };
};

describe('pods that do not go on by themselves', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('are ended after a while where only containers of others go on, once', async () => {
    const { done, stalled } = opened();
    const left = pod([ended('main'), ended('wait'), running('injected')]);
    stalled.meet(left, true);
    stalled.meet(left, true);
    await vi.advanceTimersByTimeAsync(99);
    expect(done).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(done).toEqual([`end ${EndCause.left}`]);
  });

  const { nodeName: _nodeName, ...unbound } = pod([], { phase: 'Pending' });
  it.each<[string, ObservedPod, string]>([
    ['by its kubelet', pod([running('main'), running('wait')]), `end ${EndCause.terminated}`],
    ['by a deletion where no kubelet has it', unbound, 'delete unbound'],
  ])('are ended at once where they are to end: %s', async (_what, found, deed) => {
    const { done, stalled } = opened();
    stalled.meet({ ...found, endCause: EndCause.terminated }, false);
    await vi.advanceTimersByTimeAsync(0);
    expect(done).toEqual([deed]);
  });

  it('are not ended in the middle of a start, but when it takes too long', async () => {
    const { done, stalled } = opened();
    stalled.meet(pod([waiting()], { phase: 'Pending', endCause: EndCause.terminated }), false);
    await vi.advanceTimersByTimeAsync(199);
    expect(done).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(done).toEqual([`end ${EndCause.terminated}`]);
  });

  it('are left alone where they have ended or were told to', async () => {
    const { done, stalled } = opened();
    stalled.meet(pod([ended('main'), ended('wait')], { endCause: EndCause.terminated }), true);
    stalled.meet(pod([running('main')], { endCause: EndCause.terminated, isToldToEnd: true }), false);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(done).toEqual([]);
  });

  it('are told as they are when their kubelet should have told the end, unless another pod has the name by then', async () => {
    const { done, there, stalled } = opened();
    const failed = pod([running('main'), running('wait')], { phase: 'Failed', graceSeconds: 5 });
    there.now = failed;
    stalled.meet(failed, false);
    await vi.advanceTimersByTimeAsync(14_999);
    expect(done).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(done).toEqual(['overdue u']);
    there.now = { ...failed, uid: 'another' };
    stalled.meet(failed, false);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(done).toEqual(['overdue u']);
  });

  it('are deleted where a start is lost, if it still is after a while', async () => {
    const lost = pod([waiting({ isStartedAnew: true })], { phase: 'Pending' });
    const { done, there, stalled } = opened();
    there.now = pod([running('main')]);
    stalled.meet(lost, false);
    await vi.advanceTimersByTimeAsync(300);
    expect(done).toEqual([]);
    there.now = lost;
    stalled.meet(lost, false);
    await vi.advanceTimersByTimeAsync(300);
    expect(done).toEqual(['delete']);
  });

  it('wait for nothing after the end of the runtime', async () => {
    const { done, stalled } = opened();
    stalled.meet(pod([ended('main'), ended('wait'), running('injected')]), true);
    stalled.close();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(done).toEqual([]);
  });
});
