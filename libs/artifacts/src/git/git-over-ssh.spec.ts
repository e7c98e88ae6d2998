import { execFileSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { AddressInfo, Server } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Duplex } from 'node:stream';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { KubernetesObject } from '#libs/workflow-spec';

import { createArtifactDrivers } from '../registry.js';
import { ArtifactTransfer } from '../transfer.js';

/** The parts of `ssh2` that are used here; it comes with the client of Docker. */
interface Attempt {
  method: string;
  key?: { data: Buffer };
  accept(): void;
  reject(methods?: string[]): void;
}
interface Session {
  on(
    event: 'exec',
    handle: (accept: () => Duplex & { exit(code: number): void }, reject: () => void, info: { command: string }) => void,
  ): void;
}
interface Client {
  on(event: 'authentication', handle: (attempt: Attempt) => void): Client;
  on(event: 'session', handle: (accept: () => Session) => void): Client;
  on(event: 'error', handle: () => void): Client;
}
interface Ssh2 {
  Server: new (options: { hostKeys: Buffer[] }, onClient: (client: Client) => void) => Server;
  utils: { parseKey(text: Buffer): { getPublicSSH(): Buffer } };
}
const ssh2 = createRequire(import.meta.url)('ssh2') as Ssh2;

const hasSsh = ['/usr/local/bin/ssh', '/usr/bin/ssh', '/bin/ssh'].some((file) => existsSync(file));

describe.skipIf(!hasSsh)(`the git driver over ssh, with the real programs${hasSsh ? '' : ' (skipped: there is no ssh)'}`, () => {
  let folder: string;
  let server: Server;
  const secrets: Record<string, string> = {};
  const transfer = new ArtifactTransfer(
    createArtifactDrivers({ clock: { nowMs: () => 0 }, readSecret: async ({ key }) => secrets[key] }),
  );
  const keyPair = async (name: string): Promise<Buffer> => {
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', path.join(folder, name)]);
    return readFile(path.join(folder, name));
  };
  let loads = 0;
  const load = async (block: KubernetesObject): Promise<string> => {
    const hostPath = path.join(folder, `loaded-${(loads += 1)}`);
    const repo = `ssh://git@127.0.0.1:${(server.address() as AddressInfo).port}/repo`;
    const key: KubernetesObject = { sshPrivateKeySecret: { name: 'git', key: 'mine' } };
    await transfer.load({ location: { git: { repo, ...key, ...block } }, namespace: 'argo', hostPath });
    return hostPath;
  };

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'argosy-git-ssh-'));
    const repository = path.join(folder, 'repo');
    const git = (...args: string[]): Buffer =>
      execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@t', ...args], { cwd: folder });
    git('init', '--quiet', repository);
    await writeFile(path.join(repository, 'file'), 'over ssh');
    git('-C', repository, 'add', '.');
    git('-C', repository, 'commit', '--quiet', '-m', 'one');
    const mine = await keyPair('mine');
    // Without its last line break, as Secrets often have it.
    Object.assign(secrets, { mine: mine.toString().trimEnd(), other: (await keyPair('other')).toString() });
    const known = ssh2.utils.parseKey(mine).getPublicSSH();
    server = new ssh2.Server({ hostKeys: [await keyPair('host')] }, (client) => {
      client.on('error', () => undefined);
      client.on('authentication', (attempt) => {
        if (attempt.method === 'publickey' && attempt.key?.data.equals(known)) attempt.accept();
        else attempt.reject(['publickey']);
      });
      client.on('session', (accept) => {
        accept().on('exec', (acceptCommand, _reject, { command }) => {
          const channel = acceptCommand();
          expect(command).toBe("git-upload-pack '/repo'");
          const child = spawn('git', ['upload-pack', repository]);
          channel.pipe(child.stdin);
          child.stdout.pipe(channel, { end: false });
          child.on('close', (code) => {
            channel.exit(code ?? 1);
            channel.end();
          });
        });
      });
    });
    await new Promise<void>((settle) => server.listen(0, '127.0.0.1', settle));
  });
  afterAll(async () => {
    await new Promise((settle) => server.close(settle));
    await rm(folder, { recursive: true, force: true });
  });

  it('shows its key to a host that need not be known', async () => {
    const loaded = await load({ insecureIgnoreHostKey: true });
    expect(await readFile(path.join(loaded, 'file'), 'utf8')).toBe('over ssh');
    expect(await readFile(path.join(loaded, '.git/config'), 'utf8')).not.toMatch(/sshCommand|IdentityFile|PRIVATE/i);
  });

  it('refuses a host that it does not know', async () => {
    await expect(load({})).rejects.toMatchObject({
      name: 'ArtifactAccessError',
      message: expect.stringMatching(/host key verification failed/i) as string,
    });
  });

  it('is refused with a key that the host does not know', async () => {
    const sshPrivateKeySecret = { name: 'git', key: 'other' };
    await expect(load({ insecureIgnoreHostKey: true, sshPrivateKeySecret })).rejects.toMatchObject({
      name: 'ArtifactAccessError',
      message: expect.stringMatching(/permission denied/i) as string,
    });
  });
});
