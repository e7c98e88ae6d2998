import { describe, expect, it } from 'vitest';

import type { ObservedContainer, ObservedPod } from './observed-pod.js';
import { assessPod, isLingering, isStuckInStart } from './pod-assessment.js';

const container = (name: string, more: Partial<ObservedContainer>): ObservedContainer => ({
  ...{ name, isInit: false, isNativeSidecar: false, isReady: false, isRunning: false },
  ...more,
});
const running = (name: string): ObservedContainer => container(name, { isRunning: true });
const ended = (name: string, exitCode: number): ObservedContainer =>
  container(name, { ended: { exitCode, reason: 'Error', message: '', startedAtMs: 1 } });
const failedPod = (containers: ObservedContainer[], more: Partial<ObservedPod> = {}): ObservedPod => ({
  ...{
    identity: { workflowUid: 'w', nodeId: 'n', incarnation: 0 },
    namespace: 'argo',
    name: 'p',
    uid: 'u',
    resourceVersion: '1',
  },
  ...{ mains: ['main'], ordered: ['main', 'wait'], isContainerSet: false, isDeleted: false, isHeld: true, finalizers: [] },
  ...{
    phase: 'Failed',
    reason: 'DeadlineExceeded',
    message: 'Pod was active on the node longer than the deadline',
    nodeName: 'n1',
  },
  containers,
  ...more,
});
/** A deadline has passed, and the kubelet tells the end of the pod before it ends the containers. */
const early = (more: Partial<ObservedPod> = {}): ObservedPod => failedPod([running('main'), running('wait')], more);

describe('a pod that has failed while its containers run', () => {
  it('has not ended until they have, as outputs are saved meanwhile', () => {
    expect(assessPod(early())).toMatchObject({ isEnd: false, report: { phase: 'Running' } });
    expect(assessPod(failedPod([ended('main', 143), running('wait')])).isEnd).toBe(false);
    const whole = assessPod(failedPod([ended('main', 143), ended('wait', 0)]));
    expect(whole).toMatchObject({ isEnd: true, report: { phase: 'Failed', exitCode: 143 } });
  });

  it('has ended when its kubelet has had the time to tell', () => {
    expect(assessPod(early(), true)).toMatchObject({ isEnd: true, report: { phase: 'Failed' } });
  });

  it('has ended when it is deleted: its node is gone', () => {
    expect(assessPod(early({ isDeleted: true })).isEnd).toBe(true);
  });

  it('is not waited for where containers of others alone run, or none has begun', () => {
    const waits = container('main', { waiting: { reason: 'PodInitializing', message: '' } });
    for (const containers of [[ended('main', 1), ended('wait', 0), running('injected')], [waits]]) {
      expect(isLingering(failedPod(containers))).toBe(false);
      expect(assessPod(failedPod(containers)).isEnd).toBe(true);
    }
  });
});

describe('a pod whose containers are started again', () => {
  it('has ended when its kubelet says so, not with the first end of a container', () => {
    const between = failedPod([ended('main', 1), ended('wait', 0)], { phase: 'Running', reason: '', message: '' });
    expect(assessPod(between).isEnd).toBe(true);
    expect(assessPod({ ...between, isRestarting: true })).toMatchObject({ isEnd: false, report: { phase: 'Running' } });
    const over = { ...failedPod([ended('main', 0), ended('wait', 0)]), phase: 'Succeeded', reason: '', message: '' };
    expect(assessPod({ ...over, isRestarting: true })).toMatchObject({ isEnd: true, report: { phase: 'Succeeded' } });
  });
});

describe('a pod whose kubelet was interrupted in its start', () => {
  const lost = container('main', { waiting: { reason: '', message: '' }, isStartedAnew: true });
  const pending = (containers: ObservedContainer[], more: Partial<ObservedPod> = {}): ObservedPod =>
    failedPod(containers, { phase: 'Pending', reason: '', message: '', ...more });

  it('is stuck where it counts a start and says nothing of it', () => {
    expect(isStuckInStart(pending([lost]))).toBe(true);
    expect(isStuckInStart(pending([lost, container('wait', { waiting: { reason: 'PodInitializing', message: '' } })]))).toBe(
      true,
    );
  });

  it.each<[string, ObservedPod]>([
    ['a first start', pending([container('main', { waiting: { reason: '', message: '' } })])],
    ['a start that is kept back', pending([{ ...lost, waiting: { reason: 'ErrImagePull', message: '' } }])],
    ['a start that follows', pending([{ ...lost, waiting: { reason: 'PodInitializing', message: '' } }])],
    ['a main that has run', pending([ended('main', 1), { ...lost, name: 'wait' }])],
    ['a pod that starts its containers anew by itself', pending([lost], { isRestarting: true })],
    ['a pod that is deleted', pending([lost], { isDeleted: true })],
    ['a pod that has failed', failedPod([lost])],
  ])('is not stuck: %s', (_what, pod) => {
    expect(isStuckInStart(pod)).toBe(false);
  });
});
