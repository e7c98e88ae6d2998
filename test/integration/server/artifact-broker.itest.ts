import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  ArtifactAccessError,
  ArtifactTransfer,
  createArtifactDrivers,
  createBrokeredDrivers,
  type ArtifactDriver,
  type ArtifactDrivers,
} from '#libs/artifacts';
import type { PodManifest } from '#libs/pod-spec';
import { openBroker, openBrokerAccess, openPodTokens } from '#libs/program';
import { hasS3Server, missingPart, outcomeOf, spawnTypeScript, startS3, type TestS3 } from '#libs/testing';
import { TransientError, type Artifact, type ArtifactLocation, type KubernetesObject } from '#libs/workflow-spec';
import { startServerUnderTest, type ServerUnderTest } from './server-under-test.js';

const EXECUTOR = fileURLToPath(new URL('../../../services/executor/src/main.ts', import.meta.url));
const clock = { nowMs: () => Date.now() };
const MIB = 1024 ** 2;
const pod = { workflowUid: 'u-1', nodeId: 'wf-1', incarnation: 1 };

/** A driver that is asked for folders: git without its program. */
const folderDriver: ArtifactDriver = {
  kind: 'git',
  loadFolder: async (_location, folder) => {
    await mkdir(path.join(folder, '.git'), { recursive: true });
    await writeFile(path.join(folder, 'run.sh'), 'echo', { mode: 0o755 });
  },
  load: () => Promise.reject(new ArtifactAccessError('a folder')),
  save: () => Promise.reject(new ArtifactAccessError('a folder')),
  async *list() {
    throw new ArtifactAccessError('a folder');
  },
  delete: () => Promise.reject(new ArtifactAccessError('a folder')),
  head: () => Promise.reject(new ArtifactAccessError('a folder')),
  isDirectory: async () => true,
};

if (!hasS3Server()) it.skip(missingPart('versitygw'), () => undefined);
else
  describe('the artifact broker', () => {
    let s3: TestS3;
    let server: ServerUnderTest;
    let stores: ArtifactDrivers;
    let folder: string;
    let token: string;
    let brokered: ArtifactDrivers;

    const block = (): KubernetesObject => ({
      ...{ endpoint: s3.endpoint, insecure: true, bucket: s3.bucket },
      ...{ accessKeySecret: { name: 'store', key: 'access' }, secretKeySecret: { name: 'store', key: 'secret' } },
    });
    const at = (key: string, more: KubernetesObject = {}): ArtifactLocation => ({ s3: { ...block(), key, ...more } });
    const manifestOf = (nodeId: string, artifacts: { inputs?: Artifact[]; outputs?: Artifact[] }): PodManifest => ({
      ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: nodeId }, spec: { containers: [{ name: 'main' }] } },
      work: {
        ...{ workflowName: 'wf', workflowNamespace: 'team', workflowUid: 'u-1', nodeId, mainContainers: ['main'] },
        ...{ inputArtifacts: artifacts.inputs ?? [], outputArtifacts: artifacts.outputs ?? [], outputParameters: [] },
        ...{ captureResult: false, archiveLogs: true, archiveKey: `wf/${nodeId}`, repository: { s3: block() } },
        terminationGracePeriodSeconds: 30,
      },
    });

    beforeAll(async () => {
      s3 = (await startS3())!;
      folder = await mkdtemp(path.join(tmpdir(), 'argosy-broker-test-'));
      server = await startServerUnderTest({
        environment: { AUTH_TOKEN: 'of-people', ARTIFACT_BROKER: 'true' },
        adjusted: (ports) => {
          stores = createArtifactDrivers({
            clock,
            filesystem: { rootFolder: path.join(folder, 'objects') },
            // Only the namespace of the controller has the Secret.
            readSecret: async ({ namespace, name, key }) =>
              namespace === 'argo' && name === 'store'
                ? ({ access: s3.accessKey, secret: s3.secretKey } as Record<string, string>)[key]
                : undefined,
          });
          const artifacts: ArtifactDrivers = {
            driverFor: (location, scope) => (location.git === undefined ? stores.driverFor(location, scope) : folderDriver),
            close: () => stores.close(),
          };
          const { store, resources, config } = ports;
          const broker = openBroker(config, { store, resources, clock, controllerNamespace: 'argo' });
          return { ...ports, artifacts, broker };
        },
      });
      await server.ports.resources.create({
        ...{ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'store', namespace: 'argo' } },
        data: { access: Buffer.from(s3.accessKey).toString('base64') },
      });
      await submit();
      const access = openBrokerAccess({
        ...{ store: server.store, clock, key: undefined, url: server.url },
        tokenLifeMs: 60_000,
      });
      const variables = await access!.environment(pod);
      expect(variables.map(({ name }) => name)).toEqual(['ARTIFACT_BROKER_URL', 'ARTIFACT_BROKER_TOKEN']);
      token = variables[1]!.value;
      brokered = createBrokeredDrivers({ url: server.url, token, own: createArtifactDrivers({ clock }) });
    });
    afterAll(async () => {
      await server.close();
      stores.close();
      await s3.stop();
      await rm(folder, { recursive: true, force: true });
    });

    async function submit(): Promise<void> {
      const { store } = server;
      const artifactRepository = { s3: { ...block(), keyFormat: 'wf/{{pod.name}}' } };
      await store.workflows.insert({
        submitted: { metadata: { uid: 'u-1', namespace: 'team', name: 'wf' }, spec: {} },
        createdAtMs: 1,
      });
      const own = manifestOf('wf-1', {
        inputs: [
          { name: 'in', path: '/in', s3: { key: 'shared/in' } },
          { name: 'repo', path: '/repo', git: { repo: 'https://example.com/x', usernameSecret: { name: 'g', key: 'u' } } },
          { name: 'file', path: '/file', filesystem: { key: 'files/in' } },
        ],
        outputs: [
          { name: 'out', path: '/tmp/out' },
          { name: 'tree', path: '/tmp/tree', archive: { none: {} } },
          { name: 'big', path: '/tmp/big', s3: { ...block(), key: 'big' } },
          {
            name: 'elsewhere',
            path: '/tmp/e',
            s3: { endpoint: s3.endpoint, insecure: true, bucket: 'other', key: 'e', useSDKCreds: true },
          },
          { name: 'stored', path: '/tmp/stored', filesystem: { key: 'files/out' } },
        ],
      });
      const manifests = [own, manifestOf('wf-2', { outputs: [{ name: 'out', path: '/tmp/out' }] })];
      await store.workflowState.commit({
        ...{ uid: 'u-1', expectedVersion: 0, nowMs: Date.now() },
        header: {
          ...{ engineLevel: 1, labels: {}, annotations: {}, internal: {} },
          status: { phase: 'Running', artifactRepositoryRef: { default: true, artifactRepository } },
        },
        podInserts: manifests.map((manifest) => ({
          ...{
            nodeId: manifest.work.nodeId,
            incarnation: 1,
            podName: manifest.work.nodeId,
            namespace: 'team',
            bucket: 0,
            manifest,
          },
        })),
      });
    }

    const direct = (location: ArtifactLocation): ArtifactDriver => stores.driverFor(location, { namespace: 'argo' });
    const through = (location: ArtifactLocation): ArtifactDriver => brokered.driverFor(location, { namespace: 'team' });
    const ask = async (
      route: string,
      body: object,
      as = token,
    ): Promise<{ status: number; body: { reason?: string; url?: string } }> =>
      server.request('POST', `/api/argosy/v1/artifact-broker${route}`, body, { authorization: `Bearer ${as}` });

    it('lends requests that go straight to the store, with the mark of the owner', async () => {
      const out = at('wf/wf-1/out.tgz');
      expect((await ask('/save', { location: out, sizeBytes: 3 })).body.url).toContain(`http://${s3.endpoint}/`);
      const metadata = { 'workflow-uid': 'somebody-else', 'log-times': '1' };
      await through(out).save(out, Readable.from([Buffer.from('abc')]), { metadata });
      expect(await direct(out).head(out)).toEqual({
        sizeBytes: 3,
        metadata: { 'workflow-uid': 'u-1', 'node-id': 'wf-1', 'log-times': '1' },
      });
      expect((await buffer(await through(out).load(out))).toString()).toBe('abc');
      expect(await through(out).head(out)).toMatchObject({ sizeBytes: 3 });
      await expect(through(at('shared/in')).load(at('shared/in'))).rejects.toThrow(/does not exist/);
    });

    it('lets a large artifact go in parts, of which nothing is left when it breaks off', async () => {
      const big = at('big');
      const size = 37 * MIB + 5;
      const body = (brokenAt = size): Readable =>
        Readable.from(
          (function* () {
            for (let sent = 0; sent < size; sent += MIB) {
              if (sent >= brokenAt) throw new TransientError('the disk is away');
              yield Buffer.alloc(Math.min(MIB, size - sent), sent / MIB);
            }
          })(),
          { objectMode: false },
        );
      await expect(through(big).save(big, body(20 * MIB))).rejects.toThrow('the disk is away');
      expect(await direct(big).head(big)).toBeUndefined();
      await through(big).save(big, body());
      expect(await direct(big).head(big)).toMatchObject({ sizeBytes: size, metadata: { 'node-id': 'wf-1' } });
      let read = 0;
      for await (const chunk of (await through(big).load(big)) as AsyncIterable<Buffer>) read += chunk.length;
      expect(read).toBe(size);
    });

    it('carries folders, objects of one, and what lies in a folder of the server', async () => {
      const source = path.join(folder, 'tree');
      await mkdir(path.join(source, 'sub'), { recursive: true });
      await writeFile(path.join(source, 'sub/a'), 'a');
      const transfer = new ArtifactTransfer(brokered);
      const tree = { location: at('wf/wf-1/tree'), namespace: 'team' };
      await transfer.save({ ...tree, hostPath: source, entryName: 'tree', archive: { none: {} }, metadata: {} });
      expect(await transfer.load({ ...tree, hostPath: path.join(folder, 'tree-again') })).toBe('loaded');
      expect(await readFile(path.join(folder, 'tree-again/sub/a'), 'utf8')).toBe('a');

      const stored = { filesystem: { key: 'files/out' } };
      await through(stored).save(stored, Readable.from([Buffer.alloc(20 * MIB, 1)]));
      expect(await direct(stored).head(stored)).toEqual({
        sizeBytes: 20 * MIB,
        metadata: { 'workflow-uid': 'u-1', 'node-id': 'wf-1' },
      });
      expect((await buffer(await through(stored).load(stored))).length).toBe(20 * MIB);

      const git = { git: { repo: 'https://example.com/x', usernameSecret: { name: 'g', key: 'u' } } };
      expect(await transfer.load({ location: git, namespace: 'team', hostPath: path.join(folder, 'repo') })).toBe('loaded');
      expect(await readFile(path.join(folder, 'repo/run.sh'), 'utf8')).toBe('echo');
    });

    it.each([
      ['the output of another node', '/save', () => at('wf/wf-2/out.tgz')],
      ['an input of its own, to write', '/save', () => at('shared/in')],
      ['an output, to delete', '/delete', () => at('wf/wf-1/out.tgz')],
      ['the same key with other credentials', '/load', () => at('wf/wf-1/out.tgz', { roleARN: 'arn:aws:iam::1:role/admin' })],
      ['the same key at another endpoint', '/save', () => at('wf/wf-1/out.tgz', { endpoint: 'evil.example.com' })],
      ['a key that climbs', '/save', () => at('wf/wf-1/tree/../../wf-2/out.tgz')],
      ['parts of an upload of another node', '/uploads/abort', () => at('wf/wf-2/out.tgz')],
    ])('refuses %s', async (_case, route, location) => {
      const answer = await ask(route, { location: location(), sizeBytes: 1, uploadId: 'x' });
      expect([answer.status, answer.body.reason]).toEqual([403, 'not-yours']);
    });

    it('takes no token but that of a pod that is there', async () => {
      const tokens = openPodTokens({ store: server.store, clock, key: undefined });
      const asked = { location: at('wf/wf-1/out.tgz') };
      const statuses = [];
      for (const wrong of [
        '',
        'of-people',
        `${token}x`,
        await tokens.issue(pod, -2_000),
        await tokens.issue({ ...pod, incarnation: 2 }, 60_000),
      ])
        statuses.push((await ask('/load', asked, wrong)).status);
      expect(statuses).toEqual([401, 401, 401, 401, 401]);
      // It opens nothing else of the server.
      const answer = await server.request('GET', '/api/v1/workflows/team', undefined, { authorization: `Bearer ${token}` });
      expect(answer.status).toBe(401);
    });

    it('forgets a pod a while after its end', async () => {
      const tokens = openPodTokens({ store: server.store, clock, key: undefined });
      const other = { ...pod, nodeId: 'wf-2' };
      const asked = { location: at('wf/wf-2/out.tgz') };
      const show = async () => (await ask('/load', asked, await tokens.issue(other, 60_000))).status;
      const end = (agoMs: number) =>
        server.store.workflowState.commit({
          ...{ uid: 'u-1', nowMs: Date.now() - agoMs, podDesired: [{ nodeId: 'wf-2', incarnation: 1, desired: 'delete' }] },
          expectedVersion: 1,
        });
      expect(await show()).toBe(200);
      await end(20 * 60_000);
      expect(await show()).toBe(401);
    });

    it('leaves to the pod what is opened with an identity and is not the controller’s', async () => {
      const elsewhere = { s3: { endpoint: s3.endpoint, insecure: true, bucket: 'other', key: 'e', useSDKCreds: true } };
      expect((await ask('/save', { location: elsewhere, sizeBytes: 1 })).body.reason).toBe('own-identity');
      await expect(through(elsewhere).load(elsewhere)).rejects.toThrow(/unsupported artifact driver "s3"/);
    });

    it('says what a driver would say: the store is away, it refuses, the spec is wrong', async () => {
      await expect(ask('/save', { location: 7 })).resolves.toMatchObject({ status: 400, body: { reason: 'location' } });
      const silent = createServer((_request, response) => response.writeHead(503).end('{}'));
      const url = await listening(silent);
      const away = createBrokeredDrivers({ url, token, own: createArtifactDrivers({ clock }) });
      await expect(away.driverFor(at('x'), { namespace: 'team' }).load(at('x'))).rejects.toThrow(TransientError);
      silent.close();
      await expect(away.driverFor(at('x'), { namespace: 'team' }).load(at('x'))).rejects.toThrow(TransientError);
    });

    it('is all that the executor of a pod needs', async () => {
      const root = path.join(folder, 'root');
      await mkdir(path.join(root, 'tmp'), { recursive: true });
      await writeFile(path.join(root, 'tmp/out'), 'made by main');
      await writeFile(path.join(folder, 'stdout'), '');
      await writeFile(path.join(folder, 'main.log'), 'printed');
      const described = path.join(folder, 'pod.json');
      await writeFile(described, JSON.stringify(manifestOf('wf-1', { outputs: [{ name: 'out', path: '/tmp/out' }] })));
      const env = {
        ARTIFACT_BROKER_URL: server.url,
        ARTIFACT_BROKER_TOKEN: token,
        LOG_LEVEL: 'silent',
        SECRETS_FOLDER: '/nowhere',
      };
      const files = ['--exit-code', '0', '--stdout', path.join(folder, 'stdout'), '--logs', folder];
      const outcome = await outcomeOf(
        spawnTypeScript(EXECUTOR, { args: ['capture', '--pod', described, '--root', root, ...files], env }),
      );
      expect(outcome).toMatchObject({ exitCode: 0, stderr: '' });
      expect((await buffer(await direct(at('wf/wf-1/main.log')).load(at('wf/wf-1/main.log')))).toString()).toBe('printed');
    });
  });

async function listening(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as { port: number }).port}`;
}
