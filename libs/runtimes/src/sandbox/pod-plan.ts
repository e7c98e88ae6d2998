import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { type PodManifest, SCRIPT_PATH } from '#libs/pod-spec';
import { type Clock, type Container, parseQuantity } from '#libs/workflow-spec';

import type { EnvSource } from '../collaborators.js';
import { SANDBOX_ABILITIES } from '../abilities.js';
import { debugPauseOf } from '../debug-pause.js';
import { containerSecurity, volumeGroup } from '../container-security.js';
import type { PodIdentity } from '../contract.js';
import { expand, resolveEnvironment } from '../environment.js';
import { PodRefusedError } from '../errors.js';
import type { ImageCatalogue, ImageEntry } from '../image-catalogue.js';
import { activeDeadlineSeconds, commandLine } from '../main-process.js';
import { graceSecondsOf, outputContainerOf, type PodContainer, podContainers } from '../pod-containers.js';
import { containerProbes, type Probe } from '../probes/probe.js';
import { volumeFiles } from '../volumes/volume-files.js';
import { assertInside, type VolumeMount, volumeMounts, volumeSources } from '../volumes/volume-source.js';
import { ownHostFiles } from './host-files.js';
import { type HostTools, initScript, type InitScriptInput } from './init-script.js';
import { hasOwnNetwork, podAddress } from './pod-address.js';
import type { ContainerRecord } from './pod-folder.js';
import { PodPaths } from './pod-paths.js';
import { INIT_SCRIPT } from './pod-process.js';
import type { MountedVolume, PodRoots } from './pod-root.js';
import { CONTAINERS_FOLDER, podScript } from './pod-script.js';
import { ENVIRONMENT_FILE } from './running-pod.js';
import { uptimeSeconds } from './process-identity.js';
import { makeVolume, mountOf, type PlannedVolume, volumeRoot, type VolumePlaces } from './volume-folders.js';

const SHELL_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
const SCRIPT_MODE = 0o755;
const SHARED_MODE = 0o777;
const PRIVATE_FILE = 0o600;
/** Where Argo's executor and its containers meet; programs write their progress there. */
const EXECUTOR_FOLDER = '/var/run/argo';
const SHARED_EXECUTOR_FOLDER = 'argo';
const OWN_FILES_FOLDER = 'etc';

/** What a plan is made with. */
export interface PlanMeans {
  tools: HostTools;
  userNamespace: boolean;
  roots: PodRoots;
  images: ImageCatalogue;
  env: EnvSource;
  clock: Clock;
  hostName: string;
  searchPath: string;
  places: VolumePlaces;
}

interface PlannedContainer extends PodContainer {
  line: string[];
  environment: Map<string, string>;
  image: ImageEntry | undefined;
  mounts: VolumeMount[];
}

/** A pod with all that is known before its folder is made. */
export interface PodPlan {
  manifest: PodManifest;
  containers: PlannedContainer[];
  volumes: Map<string, PlannedVolume>;
  hostFiles: Map<string, string>;
}

/** Reads what a pod needs from outside. Throws PodRefusedError with the message of what can never be given here. */
export async function planPod(identity: PodIdentity, manifest: PodManifest, means: PlanMeans): Promise<PodPlan> {
  if (hasOwnNetwork(manifest) && means.tools.loopback === undefined)
    throw new PodRefusedError('this host cannot give a pod a network of its own');
  const place = { hostName: means.hostName, podIP: podAddress(identity) };
  const sources = volumeSources(manifest);
  const written = podContainers(manifest);
  const containers: PlannedContainer[] = [];
  for (const member of written) {
    const { container } = member;
    assertRunnable(manifest, container, means);
    const image = container.image === undefined ? undefined : means.images.find(container.image);
    const resolved = await resolveEnvironment(manifest, container, means.env, place);
    const environment = completed(resolved, manifest, container, means.searchPath);
    containers.push({
      ...member,
      image,
      line: commandLine(container, image).map((word) => expand(word, resolved)),
      environment,
      mounts: volumeMounts(container, sources).map((mount) => withSubPath(mount, environment)),
    });
  }
  const mounted = new Set(containers.flatMap(({ mounts }) => mounts.map(({ volume }) => volume)));
  const context = { manifest, containers: written.map(({ container }) => container), source: means.env, place };
  const volumes = new Map<string, PlannedVolume>();
  for (const [name, source] of sources) {
    if (!mounted.has(name)) continue;
    const volume = { name, source, files: source.kind === 'files' ? await volumeFiles(source.volume, context) : [] };
    volumeRoot(volume, means.places);
    volumes.set(name, volume);
  }
  return { manifest, containers, volumes, hostFiles: ownHostFiles(manifest) };
}

/** Writes all files of a planned pod into `unfinished`, which is renamed to `final` afterwards; gives what is kept of it. */
export function layPod(plan: PodPlan, folders: { unfinished: string; final: string }, means: PlanMeans): ContainerRecord[] {
  const { manifest, containers } = plan;
  const { unfinished, final } = folders;
  const group = volumeGroup(manifest);
  const roots = new Map<string, string>();
  for (const volume of plan.volumes.values()) {
    const root = volumeRoot(volume, means.places);
    makeVolume(volume, path.resolve(unfinished, root), group);
    roots.set(volume.name, root);
  }
  const own = layHostFiles(plan, unfinished);
  const isFlat = containers.length === 1;
  const output = outputContainerOf(containers);
  const records = containers.map((planned): ContainerRecord => {
    const folder = isFlat ? '' : path.join(CONTAINERS_FOLDER, planned.name);
    const volumes = [...own, ...mountsOf(planned, plan, { unfinished, roots })];
    if (!isFlat) volumes.push(sharedFolder(unfinished));
    const parts = {
      ...(planned.image?.root === undefined ? {} : { imageRoot: planned.image.root }),
      volumes,
      readOnlyRoot: containerSecurity(manifest, planned.container, SANDBOX_ABILITIES).readOnlyRoot,
    };
    if (!isFlat) mkdirSync(path.join(unfinished, folder), { recursive: true, mode: 0o700 });
    const mounted = means.roots.prepare({ podFolder: unfinished, folder }, final, parts);
    const record = { name: planned.name, role: planned.role, folder, ...parts, volumes: mounted };
    layOwnFiles({ record, manifest, isOutput: planned === output, unfinished }, means);
    if (hasExecProbe(planned.container)) layEnvironment(planned, path.join(unfinished, folder));
    const init = initScript(scriptInput(planned, { manifest, isFlat, isOutput: planned === output }, means));
    writeFileSync(path.join(unfinished, folder, INIT_SCRIPT), init, { mode: PRIVATE_FILE });
    return record;
  });
  if (!isFlat) layPodScript(plan, unfinished, means);
  return records;
}

function layPodScript({ manifest, containers }: PodPlan, unfinished: string, means: PlanMeans): void {
  const indexOf = (name: string): number => containers.findIndex((container) => container.name === name);
  const script = podScript({
    tools: means.tools,
    hostName: manifest.metadata.name ?? 'pod',
    containers: containers.map(({ name, role, dependencies }) => ({
      name,
      isMain: role === 'main',
      dependencies: dependencies.map(indexOf).filter((index) => index >= 0),
    })),
    graceSeconds: graceSecondsOf(manifest),
    ownNetwork: hasOwnNetwork(manifest),
    ...deadlineOf(manifest, means.clock),
  });
  writeFileSync(path.join(unfinished, INIT_SCRIPT), script, { mode: PRIVATE_FILE });
}

function layHostFiles({ hostFiles }: PodPlan, unfinished: string): MountedVolume[] {
  return [...hostFiles].map(([target, text]) => {
    const source = path.join(OWN_FILES_FOLDER, path.basename(target));
    mkdirSync(path.join(unfinished, OWN_FILES_FOLDER), { recursive: true });
    writeFileSync(path.join(unfinished, source), text, { mode: 0o644 });
    return { source, target, isFile: true };
  });
}

function mountsOf(
  planned: PlannedContainer,
  plan: PodPlan,
  { unfinished, roots }: { unfinished: string; roots: ReadonlyMap<string, string> },
): MountedVolume[] {
  return planned.mounts.flatMap((mount) => {
    const volume = plan.volumes.get(mount.volume);
    const root = roots.get(mount.volume);
    if (volume === undefined || root === undefined) return [];
    return [mountOf({ ...mount, volumeRoot: root, made: path.resolve(unfinished, root) }, volume)];
  });
}

function sharedFolder(unfinished: string): MountedVolume {
  makeShared(path.join(unfinished, SHARED_EXECUTOR_FOLDER));
  return { source: SHARED_EXECUTOR_FOLDER, target: EXECUTOR_FOLDER };
}

const probesOf = (container: Container): Probe[] => Object.values(containerProbes(container)) as Probe[];
const hasExecProbe = (container: Container): boolean => probesOf(container).some(({ question }) => question.type === 'exec');
const hasNetworkProbe = (container: Container): boolean => probesOf(container).some(({ question }) => question.type !== 'exec');

function layEnvironment({ environment }: PlannedContainer, folder: string): void {
  const text = JSON.stringify(Object.fromEntries(environment));
  writeFileSync(path.join(folder, ENVIRONMENT_FILE), text, { mode: PRIVATE_FILE });
}

function makeShared(folder: string): void {
  mkdirSync(folder, { recursive: true });
  chmodSync(folder, SHARED_MODE);
}

/** The script's source, and the folder in which a program may leave its progress. */
function layOwnFiles(
  {
    record,
    manifest,
    isOutput,
    unfinished,
  }: { record: ContainerRecord; manifest: PodManifest; isOutput: boolean; unfinished: string },
  means: PlanMeans,
): void {
  const isFlat = record.folder === '';
  const run = isFlat ? means.roots.runFolderOf(record) : undefined;
  if (run !== undefined) makeShared(path.join(unfinished, run, path.posix.relative('/var/run', EXECUTOR_FOLDER)));
  const hasScript = isOutput && manifest.work.scriptSource !== undefined;
  if (!hasScript && (!isFlat || run !== undefined)) return;
  const paths = new PodPaths(means.roots.view({ podFolder: unfinished, folder: record.folder }, record));
  if (isFlat && run === undefined) makeShared(paths.writable(EXECUTOR_FOLDER));
  if (hasScript) writeFileSync(paths.writable(SCRIPT_PATH), manifest.work.scriptSource ?? '', { mode: SCRIPT_MODE });
}

interface ScriptContext {
  manifest: PodManifest;
  isFlat: boolean;
  isOutput: boolean;
}

function scriptInput(
  planned: PlannedContainer,
  { manifest, isFlat, isOutput }: ScriptContext,
  means: PlanMeans,
): InitScriptInput {
  const { container } = planned;
  const { user, groups, capabilities } = containerSecurity(manifest, container, SANDBOX_ABILITIES);
  const limit = memoryLimitBytes(container);
  const lifecycle = container.lifecycle as { postStart?: Hook; preStop?: Hook } | undefined;
  const retry = planned.role === 'main' ? manifest.work.containerRetry : undefined;
  return {
    tools: means.tools,
    hostName: manifest.metadata.name ?? 'pod',
    environment: planned.environment,
    workingDir: container.workingDir ?? '/',
    commandLine: planned.line,
    pause: debugPauseOf(planned.name, planned.environment),
    separateStdout: isOutput && manifest.work.captureResult,
    graceSeconds: graceSecondsOf(manifest),
    identity: { ...(user === undefined ? {} : { user }), groups, capabilities },
    ...(planned.image?.absent === undefined ? {} : { absentPrograms: planned.image.absent }),
    ...(limit === undefined ? {} : { memoryLimitBytes: limit }),
    ...(container.stdin === true ? { hasStdin: true } : {}),
    ...hookOf('postStart', lifecycle?.postStart, container),
    ...hookOf('preStop', lifecycle?.preStop, container),
    ...(retry === undefined ? {} : { retry }),
    ...(isFlat ? { ownNetwork: hasOwnNetwork(manifest), ...deadlineOf(manifest, means.clock) } : { isMember: true }),
  };
}

interface Hook {
  exec?: { command?: string[] };
  sleep?: { seconds?: number };
}

function hookOf(name: 'postStart' | 'preStop', hook: Hook | undefined, container: Container): Partial<InitScriptInput> {
  if (hook === undefined) return {};
  if (hook.exec?.command !== undefined) return { [name]: hook.exec.command };
  if (hook.sleep?.seconds !== undefined) return { [name]: ['sleep', String(hook.sleep.seconds)] };
  const kind = Object.keys(hook)[0] ?? '';
  throw new PodRefusedError(`container ${container.name ?? ''}: lifecycle.${name}.${kind} is not supported by the sandbox`);
}

function memoryLimitBytes(container: Container): number | undefined {
  const limits = container.resources?.limits as { memory?: string | number } | undefined;
  return limits?.memory === undefined ? undefined : parseQuantity(limits.memory);
}

function deadlineOf(manifest: PodManifest, clock: Clock): { deadlineCentiseconds?: number } {
  const active = activeDeadlineSeconds(manifest);
  const { deadlineMs } = manifest.work;
  const limits = [
    ...(active === undefined ? [] : [active * 100]),
    ...(deadlineMs === undefined ? [] : [(deadlineMs - clock.nowMs()) / 10]),
  ];
  return limits.length === 0 ? {} : { deadlineCentiseconds: uptimeSeconds() * 100 + Math.max(0, Math.min(...limits)) };
}

function assertRunnable(manifest: PodManifest, container: Container, means: PlanMeans): void {
  const where = `container ${container.name ?? ''}`;
  const { user } = containerSecurity(manifest, container, SANDBOX_ABILITIES);
  if (container.tty === true) throw new PodRefusedError(`${where}: tty is not supported by the sandbox`);
  if (hasExecProbe(container) && means.tools.nsenter === undefined)
    throw new PodRefusedError(`${where}: probes with exec need nsenter on the host`);
  if (hasOwnNetwork(manifest) && hasNetworkProbe(container))
    throw new PodRefusedError(`${where}: probes over the network do not reach a pod with a network of its own`);
  if (user !== undefined && (means.userNamespace || means.tools.setpriv === undefined)) {
    throw new PodRefusedError(`${where}: securityContext.runAsUser needs root and setpriv on the host`);
  }
}

function completed(
  resolved: Map<string, string>,
  manifest: PodManifest,
  container: Container,
  searchPath: string,
): Map<string, string> {
  const unfit = [...resolved.keys()].find((name) => !SHELL_NAME.test(name));
  if (unfit !== undefined) throw new PodRefusedError(`env ${unfit}: the sandbox supports names of letters, digits and _ only`);
  const { user } = containerSecurity(manifest, container, SANDBOX_ABILITIES);
  const home = user === undefined || user.uid === 0 ? '/root' : '/';
  return new Map([['PATH', searchPath], ['HOSTNAME', manifest.metadata.name ?? 'pod'], ['HOME', home], ...resolved]);
}

function withSubPath(mount: VolumeMount, environment: ReadonlyMap<string, string>): VolumeMount {
  if (mount.subPathExpr === undefined) return mount;
  const subPath = expand(mount.subPathExpr, environment);
  assertInside(mount.volume, subPath);
  return { ...mount, subPath };
}
