import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { readHostLayout } from './host-layout.js';
import { type HostTools, initScript } from './init-script.js';
import type { HostLayout, RootMode } from './mount-plan.js';
import { namespaceArguments } from './namespaces.js';
import { findLoopback } from './own-network.js';
import { INIT_SCRIPT } from './pod-process.js';
import { PodRoots } from './pod-root.js';
import { removeFolder } from './remove-folder.js';
import { findProgram, findTools, makeDeviceFolder } from './sandbox-host.js';

const PROBE_LIMIT_MS = 10_000;
/** Tried in this order; the first that can start a program is taken. */
const MODES: readonly RootMode[] = ['overlay-root', 'overlay-directories', 'read-only'];

/** What the sandbox can do on this host, found out by starting a pod that does nothing. */
export interface SandboxAbility {
  mode: RootMode;
  tools: HostTools;
  userNamespace: boolean;
  roots: PodRoots;
  podsFolder: string;
}

/** Why no sandbox is possible: what is missing, and what to do about it. */
export interface SandboxImpossible {
  reason: string;
}

export interface ProbeOptions {
  /** Folder for pods; hidden from them. */
  dataFolder: string;
  /** Further host paths of which pods see nothing, for example the socket folder of the database. */
  hiddenPaths: readonly string[];
}

/** Finds the best mode that works here for this user; takes a few tens of milliseconds. */
export async function probeSandbox(options: ProbeOptions): Promise<SandboxAbility | SandboxImpossible> {
  if (process.platform !== 'linux') return { reason: `the sandbox needs Linux; this is ${process.platform}` };
  const search = findTools();
  if ('missing' in search)
    return { reason: `the sandbox needs these programs: ${search.missing.join(', ')} (package util-linux)` };
  const userNamespace = process.getuid?.() !== 0;
  const layout = readHostLayout();
  const podsFolder = path.join(path.resolve(options.dataFolder), 'pods');
  const deviceFolder = path.join(path.resolve(options.dataFolder), 'pod-devices');
  mkdirSync(podsFolder, { recursive: true, mode: 0o700 });
  makeDeviceFolder(deviceFolder, layout);
  const hidden = [
    ...new Set([path.resolve(options.dataFolder), ...options.hiddenPaths.map((hiddenPath) => path.resolve(hiddenPath))]),
  ];
  let problem = '';
  for (const mode of MODES) {
    if (userNamespace && mode === 'overlay-root') continue;
    const roots = new PodRoots({ mode, userNamespace, layout, deviceFolder, hidden: visible(hidden, layout, mode) });
    const failure = await tryPod(podsFolder, { roots, tools: search.tools, userNamespace });
    if (failure === null) return { mode, tools: withLoopback(search.tools, userNamespace), userNamespace, roots, podsFolder };
    problem = failure;
  }
  return { reason: explain(problem, userNamespace) };
}

function withLoopback(tools: HostTools, userNamespace: boolean): HostTools {
  const loopback = findLoopback(tools, userNamespace, findProgram);
  return { ...tools, ...(loopback === undefined ? {} : { loopback }) };
}

/** A path below a folder that pods do not see anyway needs no cover, and could not be covered. */
function visible(hidden: readonly string[], layout: HostLayout, mode: RootMode): string[] {
  const unseen = ['/tmp', '/run', '/proc', '/sys', '/dev'];
  return hidden.filter((hiddenPath) => {
    if (unseen.some((folder) => hiddenPath === folder || hiddenPath.startsWith(`${folder}/`))) return false;
    return mode === 'overlay-root' || layout.topFolders.some(({ name }) => hiddenPath.startsWith(`/${name}/`));
  });
}

async function tryPod(
  podsFolder: string,
  { roots, tools, userNamespace }: Pick<SandboxAbility, 'roots' | 'tools' | 'userNamespace'>,
): Promise<string | null> {
  const folder = mkdtempSync(path.join(podsFolder, '.probe-'));
  try {
    roots.prepare({ podFolder: folder, folder: '' }, folder, { volumes: [] });
    const script = initScript({
      tools,
      hostName: 'probe',
      environment: new Map([['PATH', '/usr/bin:/bin']]),
      workingDir: '/',
      commandLine: ['true'],
      separateStdout: false,
      graceSeconds: 1,
    });
    writeFileSync(path.join(folder, INIT_SCRIPT), script);
    const run = spawnSync(tools.unshare, [...namespaceArguments(userNamespace ? 'pod-of-user' : 'pod'), tools.sh, INIT_SCRIPT], {
      cwd: folder,
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' },
      encoding: 'utf8',
      timeout: PROBE_LIMIT_MS,
    });
    const exit = readOrEmpty(path.join(folder, 'exit'));
    if (exit.startsWith('exited 0 ')) return null;
    return `${run.stderr} ${readOrEmpty(path.join(folder, 'log'))}`.trim() || `exit code ${run.status ?? String(run.signal)}`;
  } finally {
    await removeFolder(folder);
  }
}

function readOrEmpty(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

function explain(problem: string, userNamespace: boolean): string {
  const text = problem.replace(/\s+/g, ' ').slice(0, 300);
  if (!userNamespace)
    return `the sandbox cannot make namespaces or mounts here (${text}); a container needs CAP_SYS_ADMIN for it`;
  return (
    `the sandbox cannot be used by this user (${text}); it needs unprivileged user namespaces: ` +
    'sysctl user.max_user_namespaces > 0, kernel.unprivileged_userns_clone = 1, kernel.apparmor_restrict_unprivileged_userns = 0'
  );
}
