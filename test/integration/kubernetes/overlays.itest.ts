import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
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

    it('namespaced moves into another namespace as the docs say, and leaves nothing in argosy', async () => {
      const docs = readFileSync(join(overlays, '../../docs/kubernetes.md'), 'utf8');
      const written = /```yaml\n(resources: \[argosy\/k8s\/overlays\/namespaced\][\s\S]*?)```/.exec(docs)?.[1] ?? '';
      const folder = mkdtempSync(join(realpathSync(tmpdir()), 'argosy-moved-'));
      try {
        const place = relative(folder, join(overlays, 'namespaced'));
        writeFileSync(join(folder, 'kustomization.yaml'), written.replace('argosy/k8s/overlays/namespaced', place));
        const rendered = await cluster.kubectl(['kustomize', folder]);
        expect(rendered.match(/^ *(?:namespace|[A-Z_]+NAMESPACE): argosy$/gm) ?? []).toEqual([]);
        expect(rendered).not.toContain('.argosy:');
        expect(rendered.match(/^- kind: ServiceAccount\n {2}name: argosy-[a-z-]+\n {2}namespace: team-a$/gm)).toHaveLength(6);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    });
  },
);
