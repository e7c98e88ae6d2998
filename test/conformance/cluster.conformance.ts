import { describe, it } from 'vitest';
import { kubernetesCluster } from '#libs/testing';
import { playRecordings } from './recorded-suites.js';

// A pod of a real kubelet takes seconds: asked for by name, so that the usual run stays short.
const wanted = process.env['ARGOSY_CLUSTER_RECORDINGS'];
const cluster =
  wanted === undefined
    ? { skipped: 'skipped: ARGOSY_CLUSTER_RECORDINGS=1 plays recordings on a cluster' }
    : await kubernetesCluster({ nodes: true });

if ('skipped' in cluster) {
  describe('recordings on a Kubernetes cluster', () => {
    it.skip(cluster.skipped, () => undefined);
  });
} else {
  playRecordings([
    { title: 'e2e, kubernetes', group: 'e2e', namespace: 'argo', runtime: 'kubernetes' },
    { title: 'examples, kubernetes', group: 'examples', namespace: 'argo', runtime: 'kubernetes' },
    { title: 'random, kubernetes', group: 'random', namespace: 'lab', runtime: 'kubernetes' },
  ]);
}
