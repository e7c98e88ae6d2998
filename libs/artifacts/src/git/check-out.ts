import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { ArtifactAccessError } from '../errors.js';

import type { GitOrder } from './git-order.js';
import { git, type GitCall, UnresolvedHostError } from './git-program.js';

/** A server that sends less than this for a minute counts as away. */
const SLOWEST_BYTES_PER_SECOND = '100';
const SLOWEST_SECONDS = '60';
/** A host that no name server knows may be known in a moment; after these it is taken for one that does not exist. */
const RESOLUTION_PAUSES_MS = [500, 1_000, 2_000];

/**
 * Clones into `folder` (which must not exist, or be empty) and checks out what the order asks for. Credentials reach git through
 * variables and a private file that is removed afterwards, so neither arguments nor the checked out folder hold them.
 */
export async function checkOut(order: GitOrder, folder: string, signal: AbortSignal | undefined): Promise<void> {
  const privateFolder = await mkdtemp(path.join(tmpdir(), 'argosy-git-'));
  try {
    const call: GitCall = { folder: privateFolder, variables: await variablesFor(order, privateFolder), signal };
    await resolved(() => git(['clone', ...cloneOptions(order), '--', order.repository, folder], call), signal);
    const within = { ...call, folder };
    if (order.fetch.length > 0)
      await resolved(() => git(['fetch', ...depthOption(order), 'origin', ...order.fetch], within), signal);
    await git(['checkout', '--quiet', '--force', ...(await startOf(order, within)), '--'], within);
    if (order.submodules)
      await resolved(
        () => git(['submodule', '--quiet', 'update', '--init', '--recursive', '--force', ...depthOption(order)], within),
        signal,
      );
  } finally {
    await rm(privateFolder, { recursive: true, force: true });
  }
}

/** Asks again while the host's name is not known, a few times; the last error is the user's, who has to read it. */
async function resolved(attempt: () => Promise<string>, signal: AbortSignal | undefined): Promise<string> {
  for (const pauseMs of RESOLUTION_PAUSES_MS) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof UnresolvedHostError)) throw error;
      await sleep(pauseMs, undefined, signal === undefined ? {} : { signal });
    }
  }
  return attempt();
}

function cloneOptions(order: GitOrder): string[] {
  return [
    '--quiet',
    '--no-checkout',
    '--template=',
    ...depthOption(order),
    ...(order.branch === undefined ? [] : [`--branch=${order.branch}`]),
    order.singleBranch ? '--single-branch' : '--no-single-branch',
  ];
}

function depthOption({ depth }: GitOrder): string[] {
  return depth === undefined ? [] : [`--depth=${depth}`];
}

/** What is checked out: a branch by its name, so that one works on it afterwards; anything else as the commit that it means. */
async function startOf(order: GitOrder, call: GitCall): Promise<string[]> {
  const { revision } = order;
  if (revision === undefined || revision === 'HEAD') return [];
  if (await isKnown(`refs/remotes/origin/${revision}`, call)) return ['-B', revision, `refs/remotes/origin/${revision}`];
  if (await isKnown(revision, call)) return ['--detach', revision];
  // A shallow clone has only the heads: the server is asked for the commit or tag itself.
  await resolved(() => git(['fetch', '--quiet', ...depthOption(order), 'origin', revision], call), call.signal);
  return ['--detach', 'FETCH_HEAD'];
}

async function isKnown(revision: string, call: GitCall): Promise<boolean> {
  try {
    await git(['rev-parse', '--verify', '--quiet', `${revision}^{commit}`], call);
    return true;
  } catch (error) {
    if (error instanceof ArtifactAccessError) return false;
    throw error;
  }
}

async function variablesFor(order: GitOrder, privateFolder: string): Promise<Record<string, string>> {
  const settings = settingsOf(order);
  return {
    PATH: '/usr/local/bin:/usr/bin:/bin:/opt/homebrew/bin',
    HOME: privateFolder,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_TERMINAL_PROMPT: '0',
    GIT_ALLOW_PROTOCOL: 'https:http:ssh:git',
    GIT_SSH_COMMAND: await sshCommand(order, privateFolder),
    GIT_CONFIG_COUNT: String(settings.length),
    ...Object.fromEntries(
      settings.flatMap(([name, value], index) => [
        [`GIT_CONFIG_KEY_${index}`, name],
        [`GIT_CONFIG_VALUE_${index}`, value],
      ]),
    ),
  };
}

/** Name and password go to the repository's own server only, not to those of its submodules. */
function settingsOf(order: GitOrder): [name: string, value: string][] {
  const { user } = order;
  const address = URL.canParse(order.repository) ? new URL(order.repository) : undefined;
  const isWeb = address?.protocol === 'https:' || address?.protocol === 'http:';
  const authorization = user === undefined ? '' : Buffer.from(`${user.name}:${user.password}`).toString('base64');
  return [
    ['core.hooksPath', '/dev/null'],
    ['http.lowSpeedLimit', SLOWEST_BYTES_PER_SECOND],
    ['http.lowSpeedTime', SLOWEST_SECONDS],
    ['advice.detachedHead', 'false'],
    ...(order.skipsTlsCheck ? [['http.sslVerify', 'false'] as [string, string]] : []),
    ...(isWeb && user !== undefined
      ? [[`http.${address.origin}/.extraHeader`, `Authorization: Basic ${authorization}`] as [string, string]]
      : []),
  ];
}

/** Git runs this through a shell; nothing in it comes from a workflow. */
async function sshCommand(order: GitOrder, privateFolder: string): Promise<string> {
  const options = ['ssh', '-F', '/dev/null', '-o', 'BatchMode=yes', '-o', 'ConnectTimeout=30', '-o', 'ServerAliveInterval=30'];
  if (order.skipsHostKeyCheck) options.push('-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null');
  else options.push('-o', 'StrictHostKeyChecking=yes');
  if (order.sshPrivateKey !== undefined) {
    const file = path.join(privateFolder, 'key');
    await writeFile(file, `${order.sshPrivateKey.replace(/\n*$/, '')}\n`, { mode: 0o600 });
    options.push('-o', 'IdentitiesOnly=yes', '-o', 'IdentityAgent=none', '-i', `'${file.replaceAll("'", String.raw`'\''`)}'`);
  }
  return options.join(' ');
}
