import { afterAll, beforeAll, describe, it } from 'vitest';

import { EXECUTOR_FOLDER, executorImage, kubernetesCluster, podRuntimeContract, quietLogger, removePods } from '#libs/testing';
import type { PodManifest } from '#libs/pod-spec';

import type { PodIdentity, PodRuntime } from '../contract.js';
import { KubernetesRuntime } from './kubernetes-runtime.js';

const cluster = await kubernetesCluster({ nodes: true });
const image = 'skipped' in cluster ? cluster : await executorImage();
const skipped = 'skipped' in cluster ? cluster.skipped : typeof image === 'string' ? undefined : image.skipped;

/** The pods of the contract all have the name of their node. */
function inNamespace(runtime: PodRuntime, namespace: string): PodRuntime {
  const create = runtime.create.bind(runtime);
  runtime.create = (identity: PodIdentity, manifest: PodManifest) => {
    const name = `${identity.workflowUid}-${identity.nodeId}-${identity.incarnation}`;
    return create(identity, { ...manifest, metadata: { ...manifest.metadata, name, namespace, ownerReferences: [] } });
  };
  return runtime;
}

if (skipped === undefined && !('skipped' in cluster)) {
  let namespace = '';
  beforeAll(async () => {
    namespace = await cluster.createNamespace('runtime');
  });
  afterAll(async () => {
    await removePods(cluster, namespace);
    await cluster.release();
  });
  podRuntimeContract(
    'kubernetes',
    () =>
      Promise.resolve({
        open: () => {
          const runtime = new KubernetesRuntime({
            api: cluster.api,
            executor: () => ({
              container: { image: image, imagePullPolicy: 'IfNotPresent' },
              folder: EXECUTOR_FOLDER,
              mountsCredentials: false,
            }),
            programOf: () => Promise.resolve(undefined),
            logger: quietLogger,
            namespace,
          });
          return Promise.resolve(inNamespace(runtime, namespace));
        },
        close: () => Promise.resolve(),
      }),
    { isCluster: true },
  );
} else {
  describe('pods of a Kubernetes cluster', () => {
    it.skip(skipped ?? '', () => undefined);
  });
}
