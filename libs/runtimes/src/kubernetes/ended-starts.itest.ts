import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import type { ApiObject } from '#libs/kubernetes';
import { eventually, kubernetesCluster, quietLogger, removePods, simPod } from '#libs/testing';

import type { PodIdentity, PodObservation } from '../contract.js';
import { ClusterPods } from './cluster-pods.js';
import { KubernetesRuntime } from './kubernetes-runtime.js';
import { type ObservedPod, observedPod } from './observed-pod.js';
import { EndCause, PodMark, SHORTEST_DEADLINE_SECONDS } from './pod-marks.js';

const PODS = { apiVersion: 'v1', plural: 'pods' } as const;
const FOR_EVER_MS = 600_000;
const cluster = await kubernetesCluster({ nodes: false });

if ('skipped' in cluster) {
  describe('pods that are ended while they start', () => {
    it.skip(cluster.skipped, () => undefined);
  });
} else {
  const runtimes: KubernetesRuntime[] = [];
  const observed: PodObservation[] = [];
  let namespace = '';
  let serial = 0;
  beforeAll(async () => {
    namespace = await cluster.createNamespace('ended-starts');
  });
  afterEach(async () => {
    await Promise.all(runtimes.splice(0).map((runtime) => runtime.close()));
  });
  afterAll(async () => {
    await removePods(cluster, namespace);
    await cluster.release();
  });

  const open = async (patienceWithStartsMs: number): Promise<KubernetesRuntime> => {
    const runtime = new KubernetesRuntime({
      api: cluster.api,
      executor: () => ({ container: { image: 'argosy' }, folder: '/argosy', mountsCredentials: false }),
      programOf: () => Promise.resolve(undefined),
      logger: quietLogger,
      namespace,
      patienceWithStartsMs,
      patienceWithStuckStartsMs: 50,
    });
    runtimes.push(runtime);
    await runtime.start((observations) => {
      observed.push(...observations);
      return Promise.resolve();
    });
    return runtime;
  };

  /** On a node that there is not, so that its kubelet is this test, or on none until this test binds it. */
  const place = async (runtime: KubernetesRuntime, where: object = { nodeName: 'nowhere' }): Promise<PodIdentity> => {
    const identity = { workflowUid: `uid-${process.pid}`, nodeId: `starting-${(serial += 1)}`, incarnation: 0 };
    const manifest = simPod([], identity);
    manifest.metadata.namespace = namespace;
    manifest.metadata.ownerReferences = [];
    Object.assign(manifest.spec, where);
    await runtime.create(identity, manifest);
    return identity;
  };
  const podOf = ({ nodeId }: PodIdentity): Promise<ApiObject> => cluster.api.get({ ...PODS, namespace, name: nodeId });
  const tell = async ({ nodeId }: PodIdentity, phase: string, state: object, restartCount = 0): Promise<void> => {
    const containerStatuses = [{ name: 'main', image: 'sim', imageID: '', ready: false, restartCount, state }];
    const address = { ...PODS, namespace, name: nodeId, subresource: 'status' };
    await cluster.api.patch(address, { status: { phase, containerStatuses } }, { type: 'merge' });
  };
  const deadlineOf = async (identity: PodIdentity): Promise<unknown> =>
    ((await podOf(identity))['spec'] as { activeDeadlineSeconds?: number }).activeDeadlineSeconds;
  const isToldToEnd = async (identity: PodIdentity): Promise<void> => {
    await eventually(
      async () => (await deadlineOf(identity)) === SHORTEST_DEADLINE_SECONDS,
      () => `the kubelet of ${identity.nodeId} is not told to end it`,
    );
  };

  const last = ({ nodeId }: PodIdentity): PodObservation | undefined =>
    observed.filter(({ identity }) => identity.nodeId === nodeId).at(-1);

  const INITIALIZING = { waiting: { reason: 'PodInitializing' } };
  const RUNNING = { running: { startedAt: '2026-01-01T00:00:00Z' } };

  describe('pods that are ended while they start', () => {
    it('are marked, and end when their start is known', async () => {
      const runtime = await open(FOR_EVER_MS);
      const identity = await place(runtime);
      await tell(identity, 'Pending', INITIALIZING);
      await runtime.terminate(identity, 30);
      const { metadata } = await podOf(identity);
      expect(metadata.annotations?.[PodMark.endCause]).toBe(EndCause.terminated);
      expect(await deadlineOf(identity)).toBeUndefined();
      await tell(identity, 'Running', RUNNING);
      await isToldToEnd(identity);
    });

    it('end when nothing has been heard of the start for long', async () => {
      const runtime = await open(50);
      const identity = await place(runtime);
      await runtime.terminate(identity, 30);
      await isToldToEnd(identity);
    });

    it('end at once where something keeps them from it', async () => {
      const runtime = await open(FOR_EVER_MS);
      const identity = await place(runtime);
      await runtime.terminate(identity, 30);
      await tell(identity, 'Pending', { waiting: { reason: 'ErrImagePull' } });
      await isToldToEnd(identity);
    });

    it('end though whoever asked for it is gone', async () => {
      const first = await open(FOR_EVER_MS);
      const identity = await place(first);
      await first.terminate(identity, 30);
      await first.close();
      await tell(identity, 'Running', RUNNING);
      expect(await deadlineOf(identity)).toBeUndefined();
      await open(FOR_EVER_MS);
      await isToldToEnd(identity);
    });

    it('are told as ended with the end of their containers, where the kubelet tells that of the pod before', async () => {
      const runtime = await open(FOR_EVER_MS);
      const identity = await place(runtime);
      await tell(identity, 'Running', RUNNING);
      await tell(identity, 'Failed', RUNNING);
      await eventually(
        () => last(identity)?.phase === 'Running',
        () => `${identity.nodeId} is ${last(identity)?.phase ?? 'unseen'}`,
      );
      await tell(identity, 'Failed', { terminated: { exitCode: 143, reason: 'Error', finishedAt: '2026-01-01T00:00:05Z' } });
      await eventually(
        () => last(identity)?.exitCode === 143,
        () => `the end of ${identity.nodeId} is not told: ${JSON.stringify(last(identity))}`,
      );
      expect(observed.filter((seen) => seen.identity.nodeId === identity.nodeId && seen.phase === 'Failed')).toHaveLength(1);
    });
  });

  describe('a pod that is to end and that no kubelet has', () => {
    const unbound = { schedulerName: 'nobody' };
    const seen = async (identity: PodIdentity): Promise<ObservedPod> => observedPod(await podOf(identity))!;

    it('is deleted', async () => {
      const runtime = await open(FOR_EVER_MS);
      const identity = await place(runtime, unbound);
      await runtime.terminate(identity, 30);
      await eventually(
        () => last(identity)?.phase === 'Failed',
        () => `${identity.nodeId} is ${last(identity)?.phase ?? 'unseen'}`,
      );
      expect(last(identity)).toMatchObject({ phase: 'Failed', exitCode: 143 });
    });

    it('is deleted though it changes at the same moment', async () => {
      const identity = await place(await open(FOR_EVER_MS), unbound);
      const before = await seen(identity);
      await cluster.api.patch(
        { ...PODS, namespace, name: identity.nodeId },
        { metadata: { labels: { is: 'new' } } },
        { type: 'merge' },
      );
      await new ClusterPods(cluster.api).deleteUnbound(before);
      expect((await seen(identity)).isDeleted).toBe(true);
    });

    it('is left to its kubelet where it is bound at the same moment', async () => {
      const identity = await place(await open(FOR_EVER_MS), unbound);
      const before = await seen(identity);
      const target = { apiVersion: 'v1', kind: 'Node', name: 'nowhere' };
      const binding = { apiVersion: 'v1', kind: 'Binding', metadata: { name: identity.nodeId }, target };
      await cluster.api.create({ ...PODS, namespace, name: identity.nodeId, subresource: 'binding' }, binding);
      await new ClusterPods(cluster.api).deleteUnbound(before);
      expect(await seen(identity)).toMatchObject({ isDeleted: false, nodeName: 'nowhere' });
    });
  });

  describe('a pod whose kubelet was interrupted in its start', () => {
    it('is deleted where the kubelet does not go on with it', async () => {
      const runtime = await open(FOR_EVER_MS);
      const [ordinary, stuck] = [await place(runtime), await place(runtime)];
      await tell(ordinary, 'Pending', INITIALIZING, 1);
      await tell(stuck, 'Pending', { waiting: {} }, 1);
      await eventually(
        async () => observedPod(await podOf(stuck))?.isDeleted === true,
        () => `${stuck.nodeId} is left as it is`,
      );
      expect(observedPod(await podOf(ordinary))?.isDeleted).toBe(false);
    });
  });
}
