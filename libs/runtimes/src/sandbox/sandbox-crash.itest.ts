import { type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { emptyEnvSource, eventually, makeSimImage, quietLogger, resultStaging, simPod, spawnTypeScript } from '#libs/testing';

import type { PodIdentity, PodObservation } from '../contract.js';
import { ImageCatalogue } from '../image-catalogue.js';
import { type Claim, PodFolder } from './pod-folder.js';
import { isAlive } from './process-identity.js';
import { removeFolder } from './remove-folder.js';
import { probeSandbox, type SandboxAbility } from './sandbox-ability.js';
import { SandboxRuntime } from './sandbox-runtime.js';

const probeFolder = mkdtempSync(path.join(homedir(), '.argosy-sandbox-probe-'));
const probed = await probeSandbox({ dataFolder: probeFolder, hiddenPaths: [] });
await removeFolder(probeFolder);
const works = !('reason' in probed);

const OWNER = fileURLToPath(new URL('../../../testing/src/children/pod-owner.ts', import.meta.url));
const identityOf = (nodeId: string): PodIdentity => ({ workflowUid: 'uid-1', nodeId, incarnation: 0 });

describe.skipIf(!works)(`sandbox pods and the death of processes${works ? '' : ` (skipped: ${probed.reason})`}`, () => {
  let dataFolder: string;
  let imageRoot: string;
  let ability: SandboxAbility;
  let owner: ChildProcess | null = null;
  let runtime: SandboxRuntime | null = null;
  let observations: PodObservation[] = [];

  beforeEach(async () => {
    dataFolder = mkdtempSync(path.join(homedir(), '.argosy-sandbox-'));
    imageRoot = makeSimImage(path.join(dataFolder, 'images', 'sim'));
    const found = await probeSandbox({ dataFolder, hiddenPaths: [] });
    if ('reason' in found) throw new Error(found.reason);
    ability = found;
    observations = [];
  });
  afterEach(async () => {
    owner?.kill('SIGKILL');
    await runtime?.close();
    runtime = null;
    await removeFolder(dataFolder);
  });

  const folderOf = (nodeId: string): PodFolder => {
    const folder = PodFolder.find(ability.podsFolder, identityOf(nodeId));
    if (folder === null) throw new Error(`no folder of ${nodeId}`);
    return folder;
  };

  /** The claim is made before it is written. */
  const claimOf = async (nodeId: string): Promise<Claim> => {
    const written = (): Claim | undefined => {
      const claim = folderOf(nodeId).claim();
      return claim === null || claim === 'unwritten' ? undefined : claim;
    };
    await eventually(() => written() !== undefined, `the claim of ${nodeId}`);
    return written() as Claim;
  };

  const openRuntime = async (): Promise<SandboxRuntime> => {
    runtime = new SandboxRuntime({
      ability,
      staging: resultStaging,
      images: new ImageCatalogue(new Map([['sim', { root: imageRoot }]])),
      env: emptyEnvSource,
      clock: { nowMs: () => Date.now() },
      logger: quietLogger,
      hostName: 'test-host',
      maxPods: 10,
    });
    await runtime.start(async (seen) => {
      observations.push(...seen);
    });
    return runtime;
  };

  /** Starts a process that makes the pod, and kills it with SIGKILL when it has printed this word. */
  const ownAndKill = async (nodeId: string, word: string, args: string[]): Promise<void> => {
    const child = spawnTypeScript(OWNER, { args: [dataFolder, imageRoot, nodeId, ...args] });
    owner = child;
    let printed = '';
    child.stdout?.on('data', (chunk: Buffer) => (printed += chunk.toString()));
    await eventually(
      () => printed.includes(word),
      () => `the owner printed ${JSON.stringify(printed)}`,
    );
    const dead = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await dead;
  };

  const end = async (nodeId: string): Promise<PodObservation> => {
    const ended = (): PodObservation | undefined =>
      observations.find((seen) => seen.identity.nodeId === nodeId && seen.phase !== 'Running' && seen.phase !== 'Pending');
    await eventually(() => ended() !== undefined, `the end of ${nodeId}`);
    return ended() as PodObservation;
  };

  it('goes on with a pod whose owner was killed, and reports its real exit code and result', async () => {
    await ownAndKill('a', 'Running', ['result=survived', 'ms=1500', 'exit=9']);
    await openRuntime();
    expect(await end('a')).toMatchObject({ phase: 'Failed', exitCode: 9, outputs: { result: 'survived' } });
    expect(readFileSync(folderOf('a').path('log'), 'utf8')).toBe('survived\n');
  });

  it('takes over while it runs, not only when it starts', async () => {
    await openRuntime();
    await ownAndKill('b', 'Running', ['ms=1500', 'exit=3']);
    expect(await end('b')).toMatchObject({ exitCode: 3 });
  });

  it('starts a pod that its dead owner had made but not yet started, once', async () => {
    await ownAndKill('c', 'created', ['result=once', 'ms=100']);
    const next = await openRuntime();
    await next.create(identityOf('c'), simPod(['result=twice']));
    expect(await end('c')).toMatchObject({ phase: 'Succeeded', outputs: { result: 'once' } });
    expect(readFileSync(folderOf('c').path('log'), 'utf8')).toBe('once\n');
  });

  it('reports a pod whose init was killed as lost, kills what it ran, and never runs it again', async () => {
    const first = await openRuntime();
    await first.create(identityOf('d'), simPod(['result=begun', 'ms=30000'], { nodeId: 'd' }));
    await eventually(() => observations.some((seen) => seen.phase === 'Running'), 'the pod runs');
    const claim = await claimOf('d');
    process.kill(claim.pid, 'SIGKILL');
    expect(await end('d')).toMatchObject({ phase: 'Gone', infrastructure: true });
    expect((await end('d')).message).toContain('pod lost');
    expect(await first.create(identityOf('d'), simPod(['result=again']))).toEqual({ type: 'adopted' });
    await first.close();
    observations = [];
    await openRuntime();
    expect(await end('d')).toMatchObject({ phase: 'Gone' });
    expect(isAlive(claim)).toBe(false);
    expect(folderOf('d').text('log')).not.toContain('again');
  });

  it('says of a pod whose init was killed before main began that it never began', async () => {
    const runtime = await openRuntime();
    const manifest = simPod(['result=never'], { nodeId: 'g' });
    manifest.spec = { ...manifest.spec, initContainers: [{ name: 'first', image: 'sim', command: ['sim', 'ms=30000'] }] };
    await runtime.create(identityOf('g'), manifest);
    await eventually(() => existsSync(folderOf('g').path('c/first', 'claim')), 'the init container runs');
    const claim = await claimOf('g');
    process.kill(claim.pid, 'SIGKILL');
    expect(await end('g')).toMatchObject({ phase: 'Failed', infrastructure: true, neverBegan: 'NodeShutdown' });
  });

  it('lets only one of several inits run a pod', async () => {
    const first = await openRuntime();
    await first.create(identityOf('e'), simPod(['result=one', 'ms=300'], { nodeId: 'e' }));
    const { launchInit } = await import('./pod-process.js');
    const rivals = await Promise.all([1, 2, 3].map(() => launchInit(folderOf('e').folder, ability.tools, ability.userNamespace)));
    expect(await end('e')).toMatchObject({ phase: 'Succeeded' });
    await Promise.all(rivals.map((rival) => rival.exited));
    expect(folderOf('e').text('log')).toBe('one\n');
  });

  it('leaves the pods of a living process to it', async () => {
    const child = spawnTypeScript(OWNER, { args: [dataFolder, imageRoot, 'f', 'ms=1500'] });
    owner = child;
    let printed = '';
    child.stdout?.on('data', (chunk: Buffer) => (printed += chunk.toString()));
    await eventually(() => printed.includes('Running'), 'the owner follows its pod');
    const other = await openRuntime();
    expect(await other.create(identityOf('f'), simPod(['exit=1']))).toEqual({ type: 'adopted' });
    await eventually(() => printed.includes('Succeeded'), 'the owner reports the end');
    expect(observations.filter((seen) => seen.phase !== 'Running')).toEqual([]);
  });
});
