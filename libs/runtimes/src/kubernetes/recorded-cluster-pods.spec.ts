import { readFileSync } from 'node:fs';

import { describe, expect, it } from 'vitest';

import type { PodOrder } from '#libs/engine';
import { buildPod, type ImageProgram } from '#libs/pod-spec';
import {
  isFilledIn,
  POD_DEVIATIONS,
  type PodDifference,
  podDifferences,
  podFacts,
  recordedOrders,
  recordedPodNames,
  type RecordedPod,
  sharedFolder,
  sharedFolderHint,
} from '#libs/testing';
import type { KubernetesObject } from '#libs/workflow-spec';

import { clusterPod } from './cluster-pod.js';

const conformance = sharedFolder('conformance');

/** The repository of the recorded cluster. */
const REPOSITORY = {
  s3: {
    endpoint: 'minio:9000',
    bucket: 'my-bucket',
    insecure: true,
    accessKeySecret: { name: 'my-minio-cred', key: 'accesskey' },
    secretKeySecret: { name: 'my-minio-cred', key: 'secretkey' },
  },
};
/** Argo's own means for its executor, as our pod-manager gives them. */
const EXECUTOR = { imagePullPolicy: 'IfNotPresent', resources: { requests: { cpu: '10m', memory: '64Mi' } } };

type Container = KubernetesObject & { image?: string; command?: string[]; args?: string[] };
const containersOf = (spec: KubernetesObject): Container[] => (spec['containers'] ?? []) as Container[];

/** What the images run whose containers have no command: Argo wrote what it found. */
const programsOf = (pod: RecordedPod, built: KubernetesObject): Map<string, ImageProgram> =>
  new Map(
    containersOf(built)
      .filter(({ command = [] }) => command.length === 0)
      .flatMap(({ name, image = '' }) => {
        const { command = [], args = [] } = containersOf(pod.spec).find((container) => container['name'] === name) ?? {};
        return [[image, { entrypoint: command.slice(command.indexOf('--') + 1), cmd: args }] as const];
      }),
  );

/** The pod that we would make on a cluster of this order, or undefined where it is a task without containers. */
const madeOf = (
  order: PodOrder,
  pod: RecordedPod,
  { workflowName, archiveLogs }: { workflowName: string; archiveLogs: boolean },
) => {
  const repository = order.repository === undefined ? {} : { repository: REPOSITORY };
  const workflow = { name: workflowName, namespace: 'argo', uid: 'uid-1' };
  const built = buildPod({ order: { ...order, ...repository }, workflow, archiveLogs });
  if (built.work.task !== undefined) return undefined;
  const { nodeId, incarnation } = order;
  return clusterPod({ workflowUid: 'uid-1', nodeId, incarnation }, built, {
    executor: (name) => ({ ...EXECUTOR, image: 'argosy', command: ['/argosy/busybox', 'sh', `/argosy/${name}.sh`] }),
    programs: programsOf(pod, built.spec),
    mountsCredentials: true,
    isOwnerThere: true,
  });
};

/** Differences that come of how a recording is played again: a year in a text, and a ConfigMap of the cluster. */
const OF_THE_REPLAY = new Set([
  'expression-tag-template-workflow-pod-0-2447258203.json containers/main/args',
  'global-parameters-from-configmap.json containers/main/args',
]);

/** Pods that our engine orders under the recorded name; the rest needs templates or actions that a replay does not have. */
const LEAST_PODS_COMPARED = 400;

describe.skipIf(conformance === undefined)(
  `pods on a cluster and those of the real controller (${sharedFolderHint('conformance', 'pods')} if absent)`,
  () => {
    const used = new Map<string, number>();
    let compared = 0;

    const unexplained = (differences: readonly PodDifference[], isLean: boolean): PodDifference[] =>
      differences.filter((difference) => {
        if (isFilledIn(difference)) return false;
        const deviation = POD_DEVIATIONS.find(({ explains }) => explains(difference, { isLean }));
        if (deviation !== undefined) used.set(deviation.said, (used.get(deviation.said) ?? 0) + 1);
        return deviation === undefined;
      });

    it.each([
      ['where logs are archived, as they were', true],
      ['where they are not', false],
    ])('differ in what is listed alone, %s', (_case, archiveLogs) => {
      const found: string[] = [];
      for (const name of recordedPodNames(conformance ?? ''))
        for (const { file, pod, order, workflowName } of recordedOrders(conformance ?? '', name)) {
          const made = madeOf(order, pod, { workflowName, archiveLogs });
          if (made === undefined) continue;
          compared += 1;
          const isLean = made.spec['shareProcessNamespace'] === true;
          for (const { place, recorded, ours } of unexplained(podDifferences(podFacts(pod), podFacts(made)), isLean))
            if (!OF_THE_REPLAY.has(`${file} ${place}`))
              found.push(`${file} ${place}: recorded ${recorded ?? '-'}, ours ${ours ?? '-'}`);
        }
      expect(found).toEqual([]);
    });

    it('are nearly all compared, and nothing is listed that does not occur', () => {
      expect(compared).toBeGreaterThanOrEqual(2 * LEAST_PODS_COMPARED);
      expect(POD_DEVIATIONS.filter(({ said }) => !used.has(said)).map(({ said }) => said)).toEqual([]);
    });
  },
);

describe('the list of deviations', () => {
  it('is that of the documentation', () => {
    const text = readFileSync(new URL('../../../../docs/compatibility.md', import.meta.url), 'utf8').replaceAll(/\s+/g, ' ');
    expect(POD_DEVIATIONS.filter(({ said }) => !text.includes(`- ${said}`)).map(({ said }) => said)).toEqual([]);
  });
});
