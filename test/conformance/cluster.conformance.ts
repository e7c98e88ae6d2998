import { describe, it } from 'vitest';
import { kubernetesCluster } from '#libs/testing';
import { makeImagesOfRecordings } from './cluster-images.js';
import { portionOf } from './portion.js';
import { playRecordings } from './recorded-suites.js';

// A pod of a real kubelet takes seconds: asked for by name, so that the usual run stays short. `-t NAME` plays single ones.
const wanted = process.env['ARGOSY_CLUSTER_RECORDINGS'];
const cluster =
  wanted === undefined
    ? { skipped: 'skipped: ARGOSY_CLUSTER_RECORDINGS=1 plays recordings on a cluster, =2/5 the second of five portions of them' }
    : await kubernetesCluster({ nodes: true });

if ('skipped' in cluster) {
  describe('recordings on a Kubernetes cluster', () => {
    it.skip(cluster.skipped, () => undefined);
  });
} else {
  const portion = portionOf(wanted ?? '');
  await makeImagesOfRecordings();
  const e2e = { group: 'e2e', namespace: 'argo', runtime: 'kubernetes', portion } as const;
  const examples = { ...e2e, group: 'examples' };
  playRecordings([
    { ...e2e, title: 'e2e, kubernetes' },
    { ...e2e, title: 'e2e, objects of kubernetes', withObjects: true },
    { ...examples, title: 'examples, kubernetes' },
    { ...examples, title: 'examples, objects of kubernetes', withObjects: true },
    { title: 'random, kubernetes', group: 'random', namespace: 'lab', runtime: 'kubernetes', portion },
  ]);
}
