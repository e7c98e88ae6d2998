import { mkdtempSync, readdirSync, readFileSync, statSync } from 'node:fs';
import http from 'node:http';
import { homedir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import type { PodManifest } from '#libs/pod-spec';
import {
  emptyEnvSource,
  eventually,
  freePort,
  makeSimImage,
  quietLogger,
  resultStaging,
  simPodOf,
  spawnTypeScript,
} from '#libs/testing';
import type { Container } from '#libs/workflow-spec';

import type { PodIdentity, PodObservation } from '../contract.js';
import { ImageCatalogue } from '../image-catalogue.js';
import { removeFolder } from './remove-folder.js';
import { probeSandbox, type SandboxAbility } from './sandbox-ability.js';
import { SandboxRuntime } from './sandbox-runtime.js';

const probeFolder = mkdtempSync(path.join(homedir(), '.argosy-sandbox-probe-'));
const probed = await probeSandbox({ dataFolder: probeFolder, hiddenPaths: [] });
await removeFolder(probeFolder);
const problem =
  'reason' in probed ? probed.reason : probed.tools.loopback === undefined ? 'no network namespaces here' : undefined;

const OWNER = fileURLToPath(new URL('../../../testing/src/children/pod-owner.ts', import.meta.url));
const identityOf = (nodeId: string): PodIdentity => ({ workflowUid: 'uid-1', nodeId, incarnation: 0 });

/**
 * A server that answers with its name and the names of its network devices. Perl is on every Debian; this program's own node may lie
 * below the host's /tmp, which pods do not see.
 */
const SERVER = String.raw`open D, '/proc/net/dev'; $text = join ' ', $ARGV[1], map { /^\s*(\S+):/ ? $1 : () } <D>;
  $s = IO::Socket::INET->new(LocalPort => $ARGV[0], Listen => 5, ReuseAddr => 1) or die;
  while ($c = $s->accept) {
    while (<$c>) { last if /^\r?$/ }
    print $c "HTTP/1.1 200 OK\r\nContent-Length: ", length $text, "\r\nConnection: close\r\n\r\n$text";
    close $c;
  }`;
const perl = (program: string, ...args: string[]): string[] => ['perl', '-MIO::Socket::INET', '-e', program, ...args];

const server = (port: number, name: string, rest: Partial<Container> = {}): Container => ({
  name: 'main',
  image: 'any',
  command: perl(SERVER, String(port), name),
  ...rest,
});

const podOf = (nodeId: string, container: Container, work: Partial<PodManifest['work']> = {}): PodManifest =>
  simPodOf({ containers: [container] }, { nodeId, work: { terminationGracePeriodSeconds: 1, ...work } });

/** What answers, or why nothing does. */
const answerOf = (options: http.RequestOptions): Promise<string> =>
  new Promise((resolve) => {
    http
      .get({ agent: false, ...options }, (response) => {
        let text = '';
        response.on('data', (chunk: Buffer) => (text += chunk.toString()));
        response.on('end', () => resolve(text));
      })
      .on('error', (error) => resolve(error.message));
  });

/** Forwarders of a port that live, whoever started them. */
const forwardersOf = (port: number): string[] =>
  readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(`\0forward-${port}-`);
    } catch {
      return false;
    }
  });

describe.skipIf(problem !== undefined)(
  `sandbox pods with a network of their own${problem ? ` (skipped: ${problem})` : ''}`,
  () => {
    let dataFolder: string;
    let ability: SandboxAbility;
    let runtime: SandboxRuntime;
    let observations: PodObservation[];
    let port: number;

    const open = async (): Promise<void> => {
      observations = [];
      runtime = new SandboxRuntime({
        ability,
        staging: resultStaging,
        images: new ImageCatalogue(new Map([['sim', { root: path.join(dataFolder, 'images', 'sim') }]])),
        env: emptyEnvSource,
        clock: { nowMs: () => Date.now() },
        logger: quietLogger,
        hostName: 'test-host',
        maxPods: 10,
      });
      await runtime.start(async (seen) => {
        observations.push(...seen);
      });
    };
    beforeEach(async () => {
      dataFolder = mkdtempSync(path.join(homedir(), '.argosy-sandbox-'));
      makeSimImage(path.join(dataFolder, 'images', 'sim'));
      const found = await probeSandbox({ dataFolder, hiddenPaths: [] });
      if ('reason' in found) throw new Error(found.reason);
      ability = found;
      port = await freePort('0.0.0.0');
      await open();
    });
    afterEach(async () => {
      for (const nodeId of ['own', 'host', 'killed']) await runtime.delete(identityOf(nodeId));
      await runtime.close();
      await eventually(() => forwardersOf(port).length === 0, 'no forwarder is left', 5_000);
      await removeFolder(dataFolder);
    });

    const seen = (nodeId: string, matches: (observation: PodObservation) => boolean): Promise<void> =>
      eventually(
        () => observations.some((observation) => observation.identity.nodeId === nodeId && matches(observation)),
        () => `${nodeId} was ${JSON.stringify(observations)}`,
        8_000,
      );
    const run = async (nodeId: string, container: Container, work: Partial<PodManifest['work']> = {}): Promise<void> => {
      expect(await runtime.create(identityOf(nodeId), podOf(nodeId, container, work))).toEqual({ type: 'created' });
      await seen(nodeId, ({ phase }) => phase === 'Running');
    };
    const socketOf = async (nodeId: string): Promise<string> => {
      const forwarded = await runtime.forward?.(identityOf(nodeId), port);
      return forwarded?.socketPath ?? 'no socket';
    };

    it('listen on the port of another pod, and answer by a socket that nobody else may use', async () => {
      await run('host', server(port, 'host'));
      await run('own', server(port, 'own'), { network: 'own' });
      const socketPath = await socketOf('own');
      await eventually(async () => (await answerOf({ socketPath })).startsWith('own'), 'the pod of its own answers', 5_000);
      await eventually(async () => (await answerOf({ port })).startsWith('host'), 'the pod of the host answers', 5_000);
      expect(await answerOf({ socketPath })).toBe('own lo');
      expect(statSync(socketPath).mode & 0o777).toBe(0o600);
      expect(await socketOf('own')).toBe(socketPath);
      await runtime.delete(identityOf('own'));
      await eventually(() => forwardersOf(port).length === 0, 'the forwarder is gone', 5_000);
    });

    it('are asked by programs inside that are in their network too', async () => {
      const connect = 'exit(IO::Socket::INET->new("127.0.0.1:$ARGV[0]") ? 0 : 1)';
      const readinessProbe = { exec: { command: perl(connect, String(port)) }, periodSeconds: 1, timeoutSeconds: 5 };
      await run('own', server(port, 'own', { readinessProbe }), { network: 'own' });
      await seen('own', ({ ready }) => ready === true);
    });

    it('share it among their containers', async () => {
      const ask = `$c = IO::Socket::INET->new("127.0.0.1:$ARGV[0]") or exit 1;
        print $c "GET / HTTP/1.1\\r\\n\\r\\n"; @lines = <$c>; print $lines[-1]`;
      const main: Container = {
        name: 'main',
        image: 'any',
        command: ['sh', '-c', 'until perl -MIO::Socket::INET -e "$ASK" "$PORT"; do sleep 0.1; done'],
        env: [
          { name: 'ASK', value: ask },
          { name: 'PORT', value: String(port) },
        ],
      };
      const pod = simPodOf(
        { containers: [main, server(port, 'own', { name: 'side' })] },
        { nodeId: 'own', captureResult: true, work: { terminationGracePeriodSeconds: 1, network: 'own' } },
      );
      expect(await runtime.create(identityOf('own'), pod)).toEqual({ type: 'created' });
      await seen('own', ({ phase, outputs }) => phase === 'Succeeded' && outputs?.result === 'own lo');
    });

    it('end with their forwarders', async () => {
      await run('own', server(port, 'own'), { network: 'own' });
      await socketOf('own');
      expect(forwardersOf(port)).toHaveLength(1);
      await runtime.terminate(identityOf('own'), 1);
      await seen('own', ({ phase }) => phase === 'Failed');
      await eventually(() => forwardersOf(port).length === 0, 'the forwarder is gone', 5_000);
      await expect(socketOf('own')).rejects.toThrow('the pod does not run');
    });

    it('are forwarded again by the next runtime after the death of the first', async () => {
      const owner = spawnTypeScript(OWNER, {
        args: [dataFolder, path.join(dataFolder, 'images', 'sim'), 'killed', 'ms=60000', `forward=${port}`],
      });
      let printed = '';
      owner.stdout?.on('data', (chunk: Buffer) => (printed += chunk.toString()));
      await eventually(
        () => printed.includes('forwarded'),
        () => `the owner printed ${printed}`,
      );
      expect(forwardersOf(port)).toHaveLength(1);
      const dead = new Promise((resolve) => owner.once('exit', resolve));
      owner.kill('SIGKILL');
      await dead;
      await eventually(() => forwardersOf(port).length === 0, 'the forwarder is gone', 5_000);
      await runtime.inspect(identityOf('killed'));
      // Nothing listens inside: the forwarder is there and closes the connection.
      expect(await answerOf({ socketPath: await socketOf('killed') })).toMatch(/hang up|ECONNRESET|EPIPE/);
      expect(forwardersOf(port)).toHaveLength(1);
    });

    it('are refused where they cannot be, or could not be probed', async () => {
      const probing = server(port, 'own', { readinessProbe: { tcpSocket: { port } } });
      expect(await runtime.create(identityOf('own'), podOf('own', probing, { network: 'own' }))).toMatchObject({
        type: 'refused',
        message: 'container main: probes over the network do not reach a pod with a network of its own',
      });
      await runtime.close();
      const { loopback: _loopback, ...tools } = ability.tools;
      ability = { ...ability, tools };
      await open();
      expect(runtime.forward).toBeUndefined();
      expect(await runtime.create(identityOf('own'), podOf('own', server(port, 'own'), { network: 'own' }))).toMatchObject({
        type: 'refused',
        message: 'this host cannot give a pod a network of its own',
      });
    });
  },
);
