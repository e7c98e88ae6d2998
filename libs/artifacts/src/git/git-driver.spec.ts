import { execFileSync, spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { KubernetesObject } from '#libs/workflow-spec';

import { createArtifactDrivers } from '../registry.js';
import { ArtifactTransfer } from '../transfer.js';

const AUTHORIZATION = `Basic ${Buffer.from('me:secret').toString('base64')}`;

/** Git's own server program behind HTTP; folders below `/private` want a password. */
function serve(root: string, request: IncomingMessage, response: ServerResponse): void {
  const [pathInfo = '', query = ''] = (request.url ?? '').split('?');
  if (pathInfo.startsWith('/private') && request.headers.authorization !== AUTHORIZATION) {
    response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end();
    return;
  }
  const child = spawn('git', ['http-backend'], {
    env: {
      PATH: process.env['PATH'],
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: 'safe.directory',
      GIT_CONFIG_VALUE_0: '*',
      PATH_INFO: pathInfo,
      QUERY_STRING: query,
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      ...(request.headers['content-encoding'] === undefined
        ? {}
        : { HTTP_CONTENT_ENCODING: request.headers['content-encoding'] }),
      ...(request.headers['git-protocol'] === undefined ? {} : { GIT_PROTOCOL: String(request.headers['git-protocol']) }),
    },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  child.stdin.on('error', () => undefined);
  request.pipe(child.stdin);
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.on('close', () => {
    const output = Buffer.concat(chunks);
    const end = output.indexOf('\r\n\r\n');
    const headers = output
      .subarray(0, end)
      .toString()
      .split('\r\n')
      .map((line) => line.split(': ') as [string, string]);
    const status = headers.find(([name]) => name === 'Status')?.[1] ?? '200';
    response.writeHead(Number.parseInt(status, 10), Object.fromEntries(headers.filter(([name]) => name !== 'Status')));
    response.end(output.subarray(end + 4));
  });
}

describe('the git driver, with the real program and a server over HTTP', () => {
  let folder: string;
  let server: Server;
  let base: string;
  const git = (cwd: string, ...args: string[]): string =>
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@t', '-c', 'init.defaultBranch=main', ...args], {
      cwd,
      stdio: ['ignore', 'pipe', 'ignore'],
    })
      .toString()
      .trim();
  const transfer = new ArtifactTransfer(
    createArtifactDrivers({
      clock: { nowMs: () => 0 },
      readSecret: async ({ key }) => ({ user: 'me', pass: 'secret', wrong: 'wrong' })[key],
    }),
  );
  let loads = 0;
  const load = async (block: KubernetesObject): Promise<string> => {
    const hostPath = path.join(folder, `loaded-${(loads += 1)}`);
    await transfer.load({ location: { git: { repo: `${base}/repo`, ...block } }, namespace: 'argo', hostPath });
    return hostPath;
  };
  const fileIn = async (loaded: string, name = 'file'): Promise<string> => readFile(path.join(loaded, name), 'utf8');
  let firstCommit: string;

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'argosy-git-test-'));
    const root = path.join(folder, 'served');
    for (const name of ['repo', 'module', 'private/repo']) {
      await mkdir(path.join(root, name), { recursive: true });
      git(path.join(root, name), 'init', '--quiet');
      git(path.join(root, name), 'config', 'uploadpack.allowAnySHA1InWant', 'true');
    }
    server = createServer((request, response) => serve(root, request, response));
    await new Promise<void>((settle) => server.listen(0, '127.0.0.1', settle));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const commit = async (name: string, content: string): Promise<string> => {
      const at = path.join(root, name);
      await writeFile(path.join(at, 'file'), content);
      git(at, 'add', '--ignore-removal', '.');
      git(at, 'commit', '--quiet', '-m', content);
      return git(at, 'rev-parse', 'HEAD');
    };
    await commit('module', 'of the module');
    await commit('private/repo', 'private');
    const at = path.join(root, 'repo');
    firstCommit = await commit('repo', 'one');
    git(at, 'tag', 'v1');
    await commit('repo', 'two');
    await writeFile(path.join(at, '.gitmodules'), `[submodule "m"]\n  path = m\n  url = ${base}/module\n`);
    git(at, 'update-index', '--add', '--cacheinfo', `160000,${git(path.join(root, 'module'), 'rev-parse', 'HEAD')},m`);
    await commit('repo', 'three');
    git(at, 'checkout', '--quiet', '-b', 'side', 'v1');
    await commit('repo', 'aside');
    git(at, 'update-ref', 'refs/pull/7/head', 'HEAD');
    git(at, 'checkout', '--quiet', '--force', 'main');
  });
  afterAll(async () => {
    server.closeAllConnections();
    await new Promise((settle) => server.close(settle));
    await rm(folder, { recursive: true, force: true });
  });

  it('loads the head with its history and its submodules', async () => {
    const loaded = await load({});
    expect(await fileIn(loaded)).toBe('three');
    expect(await fileIn(loaded, 'm/file')).toBe('of the module');
    expect(git(loaded, 'log', '--format=%s')).toBe('three\ntwo\none');
  });

  it('leaves submodules out where it is asked to', async () => {
    expect(await readdir(path.join(await load({ disableSubmodules: true }), 'm'))).toEqual([]);
  });

  it('loads a branch by its name', async () => {
    const loaded = await load({ revision: 'side' });
    expect(await fileIn(loaded)).toBe('aside');
    expect(git(loaded, 'branch', '--show-current')).toBe('side');
  });

  it('loads a tag, a commit, and what is beside them', async () => {
    expect(await fileIn(await load({ revision: 'v1' }))).toBe('one');
    expect(await fileIn(await load({ revision: firstCommit }))).toBe('one');
    expect(await fileIn(await load({ revision: `${firstCommit}~0` }))).toBe('one');
  });

  it('loads no more history than is asked for, also of a commit that is older', async () => {
    expect(git(await load({ depth: 1 }), 'log', '--format=%s')).toBe('three');
    expect(git(await load({ depth: 1, revision: firstCommit }), 'log', '--format=%s')).toBe('one');
  });

  it('fetches further references before it looks the revision up', async () => {
    const loaded = await load({ fetch: ['refs/pull/7/head:refs/pull/7/head'], revision: 'refs/pull/7/head' });
    expect(await fileIn(loaded)).toBe('aside');
  });

  it('loads one branch alone', async () => {
    const loaded = await load({ branch: 'side', singleBranch: true });
    expect(git(loaded, 'branch', '--remotes')).toBe('origin/side');
    expect(await fileIn(loaded)).toBe('aside');
  });

  it('shows name and password to the server, and keeps them nowhere', async () => {
    const repo = `${base}/private/repo`;
    const at = (key: string): KubernetesObject => ({ name: 'git', key });
    const loaded = await load({ repo, usernameSecret: at('user'), passwordSecret: at('pass') });
    expect(await fileIn(loaded)).toBe('private');
    expect(await fileIn(loaded, '.git/config')).not.toMatch(/secret|Basic|me:/);
    await expect(load({ repo, usernameSecret: at('user'), passwordSecret: at('wrong') })).rejects.toMatchObject({
      name: 'ArtifactAccessError',
    });
  });

  it('takes a server that nobody vouches for only where it is asked to', async () => {
    const [key, cert] = ['key.pem', 'cert.pem'].map((name) => path.join(folder, name)) as [string, string];
    const made = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1', '-subj', '/CN=127.0.0.1'];
    execFileSync('openssl', [...made, '-keyout', key, '-out', cert], { stdio: 'ignore' });
    const secure = createSecureServer({ key: await readFile(key), cert: await readFile(cert) }, (request, response) =>
      serve(path.join(folder, 'served'), request, response),
    );
    await new Promise<void>((settle) => secure.listen(0, '127.0.0.1', settle));
    const repo = `https://127.0.0.1:${(secure.address() as AddressInfo).port}/module`;
    expect(await fileIn(await load({ repo, insecureSkipTLS: true }))).toBe('of the module');
    await expect(load({ repo })).rejects.toMatchObject({
      name: 'ArtifactAccessError',
      message: expect.stringMatching(/certificate/i) as string,
    });
    secure.closeAllConnections();
    await new Promise((settle) => secure.close(settle));
  });

  it('says of a server that is away that it may come back, and of a repository that is not there that it will not', async () => {
    await expect(load({ repo: 'http://127.0.0.1:1/repo' })).rejects.toMatchObject({ name: 'TransientError' });
    await expect(load({ repo: `${base}/none` })).rejects.toMatchObject({ name: 'ArtifactAccessError' });
    await expect(load({ revision: 'none' })).rejects.toMatchObject({ name: 'ArtifactAccessError' });
  });

  it('waits a little for a host that nobody knows, and then says so', async () => {
    await expect(load({ repo: 'http://nobody.invalid/repo' })).rejects.toMatchObject({
      name: 'UnresolvedHostError',
      message: expect.stringMatching(/could not resolve host/i) as string,
    });
  });

  it.each<[KubernetesObject, RegExp]>([
    [{ repo: '' }, /git\.repo is required/],
    [{ repo: '/etc' }, /git\.repo is neither/],
    [{ repo: 'file:///etc' }, /git\.repo is neither/],
    [{ repo: 'ext::sh -c id' }, /git\.repo is neither/],
    [{ repo: '--upload-pack=id' }, /git\.repo is neither/],
    [{ repo: '-oProxyCommand=id@host:x' }, /git\.repo is neither|ssh/],
    [{ revision: '--output=x' }, /git\.revision "--output=x" is not a reference/],
    [{ branch: '-b' }, /git\.branch/],
    [{ fetch: ['--upload-pack=id'] }, /is not a refspec/],
    [{ depth: -1 }, /git\.depth/],
    [{ singleBranch: true }, /git\.singleBranch needs git\.branch/],
  ])('refuses %j by name', async (block, message) => {
    await expect(load(block)).rejects.toThrow(message);
  });
});
