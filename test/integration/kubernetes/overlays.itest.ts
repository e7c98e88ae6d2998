import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { KubernetesExistsError } from '#libs/kubernetes';
import { kubernetesCluster, type TestCluster } from '#libs/testing';

const found = await kubernetesCluster({ nodes: false });
const overlays = join(dirname(fileURLToPath(import.meta.url)), '../../../k8s/overlays');

describe.skipIf('skipped' in found)(
  `installations on a real API server ${'skipped' in found ? `(${found.skipped})` : ''}`,
  () => {
    const cluster = found as TestCluster;

    beforeAll(async () => {
      const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'argosy' } };
      await cluster.api.create({ apiVersion: 'v1', plural: 'namespaces' }, namespace).catch((error: unknown) => {
        if (!(error instanceof KubernetesExistsError)) throw error;
      });
    });

    it.each(readdirSync(overlays))(
      '%s is accepted with strict validation',
      async (name) => {
        const rendered = await cluster.kubectl(['kustomize', join(overlays, name)]);
        const documents = parseAllDocuments(rendered);
        const manifests = documents.map(String).join('---\n');
        const told = await cluster.kubectl(
          ['apply', '--server-side', '--force-conflicts', '--dry-run=server', '--validate=strict', '-f', '-'],
          manifests,
        );
        expect(told.trim().split('\n')).toHaveLength(documents.length);
      },
      120_000,
    );
  },
);
