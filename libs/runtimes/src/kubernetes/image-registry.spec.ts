import { afterEach, describe, expect, it } from 'vitest';

import { KubernetesForbiddenError, KubernetesNotFoundError, type KubernetesApi } from '#libs/kubernetes';
import type { PodManifest } from '#libs/pod-spec';
import { scriptedHttpServer, type ScriptedHttpServer, type TakenRequest } from '#libs/testing';

import { RuntimeUnavailableError } from '../errors.js';
import { imageReference } from './image-reference.js';
import { ImageRegistry } from './image-registry.js';
import { pullCredentials } from './pull-credentials.js';
import { imageViewer } from './pull-secrets.js';

describe('what an image is called', () => {
  it.each([
    ['busybox', 'docker.io', 'library/busybox', 'latest'],
    ['argoproj/argosay:v2', 'docker.io', 'argoproj/argosay', 'v2'],
    ['images.example/a/b:1', 'images.example', 'a/b', '1'],
    ['localhost:5000/b', 'localhost:5000', 'b', 'latest'],
    ['a/b@sha256:abc', 'docker.io', 'a/b', 'sha256:abc'],
  ])('reads %s', (image, registry, repository, reference) => {
    expect(imageReference(image)).toEqual({ registry, repository, reference });
  });

  it('refuses what is no name', () => {
    expect(() => imageReference('a b')).toThrow(/the name is not allowed/);
  });
});

/** How a registry of the tests lets people in. */
interface Peer {
  asks: 'token' | 'password' | 'nothing';
  /** Whose image it is, as `name:password`; everybody's where absent. */
  owner?: string;
  /** A status that it answers with to whoever has said nothing of themselves. */
  toNobody?: number;
}

const PROGRAM = { Entrypoint: ['/entry'], Cmd: ['a', 'b'] };
const ANSWERS: Record<string, unknown> = {
  '/v2/team/tool/manifests/1': {
    manifests: [
      { digest: 'sha256:w', platform: { os: 'windows' } },
      { digest: 'sha256:m', platform: { os: 'linux', architecture: 'amd64' } },
    ],
  },
  '/v2/team/tool/manifests/sha256:m': { config: { digest: 'sha256:c' } },
  '/v2/team/tool/blobs/sha256:c': { config: PROGRAM },
};
const basicOf = (owner: string): string => `Basic ${Buffer.from(owner).toString('base64')}`;

describe('what an image runs, by its registry', () => {
  let server: ScriptedHttpServer | undefined;
  afterEach(async () => server?.close());

  /** A registry of the distribution API: with tokens of its own, or by name and password. */
  const registryOf = async ({ asks, owner, toNobody }: Peer) => {
    const tokenFor = ({ headers, method, body }: TakenRequest): string => {
      const isOwner = owner === undefined || headers.authorization === basicOf(owner);
      const isRefreshed = method === 'POST' && new URLSearchParams(body).get('refresh_token') === 'identity';
      return isOwner || isRefreshed ? 'owner' : 'nobody';
    };
    const challenge = (): string =>
      asks === 'token' ? `Bearer realm="${server?.url ?? ''}/token",service="peer",scope="pull"` : 'Basic realm="peer"';
    const isLetIn = ({ headers }: TakenRequest): boolean =>
      asks === 'nothing' || headers.authorization === (asks === 'token' ? 'Bearer owner' : basicOf(owner ?? ''));
    server = await scriptedHttpServer((request, response) => {
      const { path, headers } = request;
      const reply = (status: number, body: unknown = {}, more: Record<string, string> = {}): void => {
        response.writeHead(status, { 'content-type': 'application/json', ...more }).end(JSON.stringify(body));
      };
      if (path === '/token') return reply(200, { token: tokenFor(request) });
      if (toNobody !== undefined && (headers.authorization === undefined || headers.authorization === 'Bearer nobody'))
        return reply(toNobody);
      if (!isLetIn(request)) return reply(401, {}, { 'www-authenticate': challenge() });
      return ANSWERS[path] === undefined ? reply(404) : reply(200, ANSWERS[path]);
    });
    const nowMs = { value: 0 };
    const registry = new ImageRegistry({ mirrors: new Map([['peer.example', server.url]]), nowMs: () => nowMs.value });
    const asked = server.requests;
    return { registry, asked, nowMs };
  };
  const IMAGE = 'peer.example/team/tool:1';
  const FOUND = { entrypoint: ['/entry'], cmd: ['a', 'b'] };

  const configFor = (login: object): Record<string, string> => ({
    '.dockerconfigjson': Buffer.from(JSON.stringify({ auths: { 'peer.example': login } })).toString('base64'),
  });
  /** A cluster with these Secrets (by name) and Secrets of accounts. */
  const clusterOf = (secrets: Record<string, object>, accounts: Record<string, string[]> = {}) => {
    const read: string[] = [];
    const api = {
      get: ({ plural, namespace, name }: { plural: string; namespace: string; name: string }) => {
        read.push(`${plural}/${namespace}/${name}`);
        if (name === 'forbidden') return Promise.reject(new KubernetesForbiddenError({ message: 'no' } as never));
        const found =
          plural === 'secrets'
            ? secrets[name] && { data: secrets[name] }
            : accounts[name] && { imagePullSecrets: accounts[name].map((each) => ({ name: each })) };
        return found ? Promise.resolve(found) : Promise.reject(new KubernetesNotFoundError({ message: 'none' } as never));
      },
    } as unknown as KubernetesApi;
    return { api, read };
  };
  const podWith = (spec: object, namespace = 'team'): PodManifest =>
    ({ metadata: { namespace }, spec, work: { workflowNamespace: namespace } }) as unknown as PodManifest;

  it('reads the configuration of the image for this platform, with the token that the registry gives everybody', async () => {
    const { registry } = await registryOf({ asks: 'token' });
    expect(await registry.programOf(IMAGE)).toEqual(FOUND);
  });

  it.each<[string, Peer['asks'], object]>([
    ['a name and a password for a token', 'token', { username: 'me', password: 'secret' }],
    ['a name and a password', 'password', { auth: Buffer.from('me:secret').toString('base64') }],
    ['a token for others', 'token', { identitytoken: 'identity' }],
  ])('shows itself by the Secret of the pod: %s', async (_case, asks, login) => {
    const { registry } = await registryOf({ asks, owner: 'me:secret' });
    const { api } = clusterOf({ pull: configFor(login) });
    expect(await registry.programOf(IMAGE)).toBeUndefined();
    expect(await registry.programOf(IMAGE, imageViewer(api, podWith({ imagePullSecrets: [{ name: 'pull' }] })))).toEqual(FOUND);
  });

  it('takes the Secrets of the account where the pod names none', async () => {
    const { registry } = await registryOf({ asks: 'token', owner: 'me:secret' });
    const secrets = { theirs: configFor({ username: 'me', password: 'secret' }) };
    const { api, read } = clusterOf(secrets, { runner: ['gone', 'forbidden', 'theirs'] });
    expect(await registry.programOf(IMAGE, imageViewer(api, podWith({ serviceAccountName: 'runner' })))).toEqual(FOUND);
    expect(read[0]).toBe('serviceaccounts/team/runner');
    const named = imageViewer(api, podWith({ serviceAccountName: 'runner', imagePullSecrets: [{ name: 'gone' }] }));
    expect(await registry.programOf(IMAGE, named)).toBeUndefined();
  });

  it('does not show one namespace what another may see, and reads no Secret for what everybody may see', async () => {
    const { registry } = await registryOf({ asks: 'password', owner: 'me:secret' });
    const mine = clusterOf({ pull: configFor({ username: 'me', password: 'secret' }) });
    const theirs = clusterOf({ pull: configFor({ username: 'me', password: 'wrong' }) });
    const pod = { imagePullSecrets: [{ name: 'pull' }] };
    expect(await registry.programOf(IMAGE, imageViewer(mine.api, podWith(pod)))).toEqual(FOUND);
    expect(await registry.programOf(IMAGE, imageViewer(theirs.api, podWith(pod, 'other')))).toBeUndefined();
    await server?.close();
    const open = await registryOf({ asks: 'nothing' });
    const idle = clusterOf({});
    expect(await open.registry.programOf(IMAGE, imageViewer(idle.api, podWith(pod)))).toEqual(FOUND);
    expect(idle.read).toEqual([]);
  });

  it('asks once, and again when a tag may have been moved or a Secret been put right', async () => {
    const { registry, asked, nowMs } = await registryOf({ asks: 'password', owner: 'me:secret' });
    const secrets: Record<string, object> = {};
    const viewer = imageViewer(clusterOf(secrets).api, podWith({ imagePullSecrets: [{ name: 'pull' }] }));
    expect(await registry.programOf(IMAGE, viewer)).toBeUndefined();
    secrets['pull'] = configFor({ username: 'me', password: 'secret' });
    nowMs.value = 60_000;
    expect(await registry.programOf(IMAGE, viewer)).toEqual(FOUND);
    nowMs.value = 80_000;
    const before = asked.length;
    expect(await registry.programOf(IMAGE, viewer)).toEqual(FOUND);
    expect(asked).toHaveLength(before);
    nowMs.value = 3_600_000;
    await registry.programOf(IMAGE, viewer);
    expect(asked.length).toBeGreaterThan(before);
  });

  it('waits for a registry that is away, or that lets nobody ask so often, unless somebody may', async () => {
    const away = await registryOf({ asks: 'nothing', toNobody: 503 });
    await expect(away.registry.programOf(IMAGE)).rejects.toBeInstanceOf(RuntimeUnavailableError);
    await server?.close();
    const limited = await registryOf({ asks: 'token', owner: 'me:secret', toNobody: 429 });
    await expect(limited.registry.programOf(IMAGE)).rejects.toThrow(/is away: it answers 429/);
    const nobody = imageViewer(clusterOf({}).api, podWith({}));
    await expect(limited.registry.programOf(IMAGE, nobody)).rejects.toThrow(/is away: it answers 429/);
  });
});

describe('whom a registry may know', () => {
  const secret = (auths: object): Record<string, string> => ({
    '.dockerconfigjson': Buffer.from(JSON.stringify({ auths })).toString('base64'),
  });
  const login = (username: string) => ({ username, password: 'p' });
  const names = (data: Record<string, string>, image: string) =>
    pullCredentials(data, imageReference(image)).map(({ username }) => username);

  it.each<[string, object, string, string[]]>([
    ['the host', { 'a.example': login('a'), 'b.example': login('b') }, 'a.example/x', ['a']],
    ['a host with a port', { 'a.example:5000': login('a') }, 'a.example:5000/x', ['a']],
    ['the old name of the hub', { 'https://index.docker.io/v1/': login('hub') }, 'me/x', ['hub']],
    ['the closest path first', { 'a.example': login('a'), 'a.example/team': login('t') }, 'a.example/team/x', ['t', 'a']],
    ['a path of others', { 'a.example/team': login('t') }, 'a.example/teams/x', []],
    ['a part of a host by a star', { '*.example': login('star') }, 'a.example/x', ['star']],
    ['a star that is one part', { '*.example': login('star') }, 'a.b.example/x', []],
    ['a dot that is no sign for anything', { 'a.example': login('a') }, 'aXexample.io/x', []],
  ])('is found by %s', (_case, auths, image, expected) => {
    expect(names(secret(auths), image)).toEqual(expected);
  });

  it('is read from the older form too, and is nobody where nothing can be read', () => {
    const old = { '.dockercfg': Buffer.from(JSON.stringify({ 'a.example': login('old') })).toString('base64') };
    expect(names(old, 'a.example/x')).toEqual(['old']);
    expect(names({ '.dockerconfigjson': 'bm8ganNvbg==' }, 'a.example/x')).toEqual([]);
    expect(names({ token: 'eA==' }, 'a.example/x')).toEqual([]);
  });
});
