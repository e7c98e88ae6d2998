import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kubernetesCluster, type TestCluster } from '#libs/testing';
import {
  type ApiObject,
  followObjects,
  inClusterConnection,
  KubernetesApi,
  KubernetesConflictError,
  KubernetesExistsError,
  KubernetesInvalidError,
  KubernetesNotFoundError,
  watchObjects,
} from './index.js';

const found = await kubernetesCluster({ nodes: false });

describe.skipIf('skipped' in found)(
  `KubernetesApi on a real API server ${'skipped' in found ? `(${found.skipped})` : ''}`,
  () => {
    const cluster = found as TestCluster;
    let namespace = '';
    const maps = () => ({ apiVersion: 'v1', plural: 'configmaps', namespace });
    const at = (name: string) => ({ ...maps(), name });
    const map = (name: string, data: Record<string, string> = {}, metadata: object = {}) => ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name, ...metadata },
      data,
    });
    const dataOf = (object: ApiObject) => object['data'];

    beforeAll(async () => {
      namespace = await cluster.createNamespace('api');
    });
    afterAll(() => cluster.release());

    it('is reached with nothing but what the kubelet mounts into a pod', async () => {
      const kubeConfig = await cluster.api.connection.kubeConfig();
      const { server = '', caData = '', caFile } = kubeConfig.getCurrentCluster() ?? {};
      const account = { apiVersion: 'v1', plural: 'serviceaccounts', namespace, name: 'default', subresource: 'token' };
      const { status } = await cluster.api.create<{ status: { token: string } }>(account, {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenRequest',
        spec: {},
      });
      const folder = mkdtempSync(join(tmpdir(), 'argosy-account-'));
      writeFileSync(join(folder, 'ca.crt'), caFile ? readFileSync(caFile) : Buffer.from(caData, 'base64'));
      writeFileSync(join(folder, 'token'), status.token);
      writeFileSync(join(folder, 'namespace'), `${namespace}\n`);
      const { hostname: host, port } = new URL(server);
      const connection = inClusterConnection({ host, port: port || '443', folder });
      const who = await new KubernetesApi({ connection }).create<{ status: { userInfo: { username: string } } }>(
        { apiVersion: 'authentication.k8s.io/v1', plural: 'selfsubjectreviews' },
        { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' },
      );
      expect(who.status.userInfo.username).toBe(`system:serviceaccount:${namespace}:default`);
      expect(await connection.namespace()).toBe(namespace);
      connection.close();
      rmSync(folder, { recursive: true });
    });

    it('tells what is there already, what is missing, what is stale and what is not valid apart', async () => {
      const { api } = cluster;
      const made = await api.create<ApiObject>(maps(), map('apart', { a: '1' }));
      await expect(api.create(maps(), map('apart'))).rejects.toBeInstanceOf(KubernetesExistsError);
      await expect(api.get(at('nobody'))).rejects.toBeInstanceOf(KubernetesNotFoundError);
      await expect(api.create(maps(), map('Not Valid'))).rejects.toBeInstanceOf(KubernetesInvalidError);
      await api.update(at('apart'), { ...made, data: { a: '2' } });
      await expect(api.update(at('apart'), { ...made, data: { a: '3' } })).rejects.toBeInstanceOf(KubernetesConflictError);
      expect(dataOf(await api.get(at('apart')))).toEqual({ a: '2' });
    });

    it('patches in four ways', async () => {
      const { api } = cluster;
      await api.create(maps(), map('patched', { a: '1', b: '1' }));
      await api.patch(at('patched'), { data: { a: null } }, { type: 'merge' });
      await api.patch(at('patched'), [{ op: 'add', path: '/data/c', value: '1' }], { type: 'json' });
      await api.patch(at('patched'), { data: { d: '1' } }, { type: 'strategic' });
      expect(dataOf(await api.get(at('patched')))).toEqual({ b: '1', c: '1', d: '1' });
      const applied = map('patched', { b: '2' });
      const options = { type: 'apply', fieldManager: 'somebody' } as const;
      await expect(api.patch(at('patched'), applied, options)).rejects.toBeInstanceOf(KubernetesConflictError);
      await api.patch(at('patched'), applied, { ...options, force: true });
      expect(dataOf(await api.get(at('patched')))).toEqual({ b: '2', c: '1', d: '1' });
    });

    it('deletes only the object that is meant', async () => {
      const { api } = cluster;
      const made = await api.create<ApiObject>(maps(), map('meant'));
      await expect(api.delete(at('meant'), { uid: '11111111-1111-1111-1111-111111111111' })).rejects.toBeInstanceOf(
        KubernetesConflictError,
      );
      await expect(api.delete(at('meant'), { resourceVersion: '1' })).rejects.toBeInstanceOf(KubernetesConflictError);
      await api.delete(at('meant'), { uid: made.metadata.uid, propagation: 'Background' });
      await expect(api.get(at('meant'))).rejects.toBeInstanceOf(KubernetesNotFoundError);
    });

    it('lists in pages with kinds, and by labels', async () => {
      const { api } = cluster;
      for (const name of ['p1', 'p2', 'p3', 'p4', 'p5']) {
        await api.create(maps(), map(name, {}, { labels: { page: 'yes' } }));
      }
      const sizes: number[] = [];
      const names: string[] = [];
      for await (const page of api.pages(maps(), { labelSelector: 'page=yes', limit: 2 })) {
        sizes.push(page.items.length);
        names.push(...page.items.map(({ kind, metadata }) => `${kind} ${metadata.name}`));
      }
      expect(sizes).toEqual([2, 2, 1]);
      expect(names).toEqual(['p1', 'p2', 'p3', 'p4', 'p5'].map((name) => `ConfigMap ${name}`));
    });

    it('knows how kinds are addressed', async () => {
      expect(await cluster.api.kindOf('batch/v1', 'Job')).toMatchObject({ plural: 'jobs', namespaced: true });
      expect(await cluster.api.kindOf('v1', 'Namespace')).toMatchObject({ plural: 'namespaces', namespaced: false });
      await expect(cluster.api.kindOf('v1', 'Teapot')).rejects.toThrow('no matches for kind "Teapot" in version "v1"');
    });

    it('watches from a version on', async () => {
      const { api } = cluster;
      const { resourceVersion } = await api.list(maps());
      await api.create(maps(), map('watched', { a: '1' }));
      await api.patch(at('watched'), { data: { a: '2' } }, { type: 'merge' });
      await api.delete(at('watched'));
      const ending = new AbortController();
      const seen: string[] = [];
      for await (const { type } of watchObjects(api, maps(), { resourceVersion, signal: ending.signal })) {
        seen.push(type);
        if (seen.length === 3) ending.abort();
      }
      expect(seen).toEqual(['ADDED', 'MODIFIED', 'DELETED']);
    });

    it('follows a collection: a list, then what changes, of what a selector admits, trimmed', async () => {
      const { api } = cluster;
      await api.create(maps(), map('f1', { big: 'x'.repeat(1000) }, { labels: { followed: 'yes' } }));
      const ending = new AbortController();
      const seen: string[] = [];
      const trim = ({ apiVersion, kind, metadata }: ApiObject) => ({ apiVersion, kind, metadata });
      for await (const event of followObjects(api, maps(), { labelSelector: 'followed=yes', trim, signal: ending.signal })) {
        seen.push('object' in event ? `${event.type} ${event.object.metadata.name}` : event.type);
        if ('object' in event) expect(Object.keys(event.object)).toEqual(['apiVersion', 'kind', 'metadata']);
        if (event.type === 'SYNCED') {
          await api.create(maps(), map('f2', {}, { labels: { followed: 'yes' } }));
          await api.create(maps(), map('f3'));
          await api.patch(at('f1'), { metadata: { labels: { followed: null } } }, { type: 'merge' });
        }
        if (seen.at(-1) === 'DELETED f1') ending.abort();
      }
      expect(seen).toEqual(['ADDED f1', 'SYNCED', 'ADDED f2', 'DELETED f1']);
    });
  },
);
