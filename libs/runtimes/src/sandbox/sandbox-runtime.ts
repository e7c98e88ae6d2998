import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { type PodManifest, SCRIPT_PATH } from '#libs/pod-spec';
import { type Clock, UserError } from '#libs/workflow-spec';

import type { EnvSource, RuntimeLogger } from '../collaborators.js';
import type { CreateOutcome, LogLine, LogOptions, PodIdentity, PodObservation, PodRuntime } from '../contract.js';
import { PodRefusedError } from '../errors.js';
import { resolveEnvironment } from '../environment.js';
import type { ImageCatalogue } from '../image-catalogue.js';
import { activeDeadlineSeconds, commandLine, mainOf } from '../main-process.js';
import { ObservationQueue } from '../observation-queue.js';
import { identityKey } from '../pod-identity.js';
import type { PodStaging } from '../staging.js';
import { initScript } from './init-script.js';
import { readLines } from './log-reader.js';
import { logTimes } from './log-times.js';
import { PodCourse } from './pod-course.js';
import { LOG_FILE, SandboxPodFiles } from './pod-files.js';
import { PodFolder, type PodRecord } from './pod-folder.js';
import { INIT_SCRIPT } from './pod-process.js';
import { PodPaths } from './pod-paths.js';
import type { PodRoots, RootParts } from './pod-root.js';
import { askToEnd, kill } from './pod-ending.js';
import { ownIdentity, uptimeSeconds } from './process-identity.js';
import type { SandboxAbility } from './sandbox-ability.js';
import { podVolumes } from './pod-volumes.js';

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const SCAN_INTERVAL_MS = 2_000;
const LOG_SAMPLE_MS = 250;
const RUNNING_REPORT_DELAY_MS = 100;
const SHELL_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
const SCRIPT_MODE = 0o755;

export interface SandboxOptions {
  ability: SandboxAbility;
  staging: PodStaging;
  images: ImageCatalogue;
  env: EnvSource;
  clock: Clock;
  logger: RuntimeLogger;
  hostName: string;
  /** The host's PATH: pods on the host's root find there what is installed beside the usual folders. */
  searchPath?: string;
  /** Pods that may run on this host at once, those of other processes included. */
  maxPods: number;
}

/**
 * Pods as processes of this host in namespaces of their own (docs/sandbox.md says what that isolates). Nothing is known only in
 * memory: `start` and a scan every two seconds find the pods whose observer is dead and go on with them. States: made → started
 * (observing) → closed; after `close` the pods run on and belong to whoever comes next.
 */
export class SandboxRuntime implements PodRuntime {
  readonly name = 'sandbox';
  private readonly courses = new Map<string, PodCourse>();
  private readonly self = ownIdentity();
  private readonly roots: PodRoots;
  private readonly podsFolder: string;
  private queue: ObservationQueue | null = null;
  private scan: NodeJS.Timeout | null = null;
  private sampling: NodeJS.Timeout | null = null;
  private foreignPods = 0;
  private readonly searchPath: string;

  constructor(private readonly options: SandboxOptions) {
    this.roots = options.ability.roots;
    this.podsFolder = options.ability.podsFolder;
    this.searchPath = joinedPaths(options.searchPath);
  }

  async start(observe: (observations: PodObservation[]) => Promise<void>): Promise<void> {
    this.queue = new ObservationQueue(observe, this.options.logger);
    mkdirSync(this.podsFolder, { recursive: true, mode: 0o700 });
    await PodFolder.sweep(this.podsFolder);
    this.adoptOrphans();
    this.scan = setInterval(() => this.adoptOrphans(), SCAN_INTERVAL_MS);
    this.scan.unref();
    this.sampling = setInterval(() => this.noteLogs(), LOG_SAMPLE_MS);
    this.sampling.unref();
  }

  async create(identity: PodIdentity, manifest: PodManifest): Promise<CreateOutcome> {
    if (this.adopt(identity) !== null) return { type: 'adopted' };
    const running = this.runningPods();
    if (running >= this.options.maxPods) {
      return { type: 'busy', message: `all ${this.options.maxPods} pod slots of host ${this.options.hostName} are taken` };
    }
    try {
      return await this.make({ identity, manifest });
    } catch (error) {
      if (error instanceof UserError) return { type: 'refused', message: error.message };
      throw error;
    }
  }

  async terminate(identity: PodIdentity, graceSeconds: number): Promise<void> {
    const folder = this.adopt(identity);
    if (folder === null) return this.observeGone(identity);
    if (this.courses.get(identityKey(identity))?.hasEnded === true) return this.observeLatest(identity, folder);
    askToEnd(folder, graceSeconds);
  }

  async delete(identity: PodIdentity): Promise<void> {
    const folder = PodFolder.find(this.podsFolder, identity);
    if (folder === null) return;
    const key = identityKey(identity);
    const course = this.courses.get(key);
    course?.stop();
    this.courses.delete(key);
    await kill(folder);
    await folder.remove();
  }

  async inspect(identity: PodIdentity): Promise<void> {
    const folder = this.adopt(identity);
    if (folder === null) this.observeGone(identity);
    else this.observeLatest(identity, folder);
  }

  logs(identity: PodIdentity, options: LogOptions): AsyncIterable<LogLine> {
    const folder = PodFolder.find(this.podsFolder, identity);
    if (folder === null || (options.container !== undefined && options.container !== 'main')) return nothing();
    const file = folder.path(LOG_FILE);
    return readLines({ file, container: 'main', times: () => logTimes(folder), hasEnded: () => hasEnded(folder) }, options);
  }

  async close(): Promise<void> {
    if (this.scan !== null) clearInterval(this.scan);
    if (this.sampling !== null) clearInterval(this.sampling);
    const courses = [...this.courses.values()];
    for (const course of courses) course.stop();
    this.courses.clear();
    await Promise.all(courses.map((course) => course.done));
    await this.queue?.close();
  }

  private async make(record: PodRecord): Promise<CreateOutcome> {
    const { manifest } = record;
    const main = mainOf(manifest);
    const image = main.image === undefined ? undefined : this.options.images.find(main.image);
    const line = commandLine(main, image);
    const environment = await this.environment(manifest);
    const parts = { image, volumes: podVolumes(manifest, main) };
    const folder = PodFolder.create(this.podsFolder, record, this.self, (unfinished, final) => {
      this.roots.prepare(unfinished, final, parts);
      this.writeScript(unfinished, parts, manifest);
      const init = initScript({
        tools: this.options.ability.tools,
        hostName: manifest.metadata.name ?? 'pod',
        environment,
        workingDir: main.workingDir ?? '/',
        commandLine: line,
        separateStdout: manifest.work.captureResult,
        graceSeconds: manifest.work.terminationGracePeriodSeconds,
        ...this.deadline(manifest),
      });
      writeFileSync(path.join(unfinished, INIT_SCRIPT), init, { mode: 0o600 });
    });
    if (folder === null) return { type: 'adopted' };
    this.follow(folder, record);
    return { type: 'created' };
  }

  private async environment(manifest: PodManifest): Promise<Map<string, string>> {
    const place = { hostName: this.options.hostName, podIP: '127.0.0.1' };
    const resolved = await resolveEnvironment(manifest, mainOf(manifest), this.options.env, place);
    const unfit = [...resolved.keys()].find((name) => !SHELL_NAME.test(name));
    if (unfit !== undefined) throw new PodRefusedError(`env ${unfit}: the sandbox supports names of letters, digits and _ only`);
    return new Map([['PATH', this.searchPath], ['HOSTNAME', manifest.metadata.name ?? 'pod'], ['HOME', '/root'], ...resolved]);
  }

  private writeScript(unfinished: string, parts: RootParts, { work }: PodManifest): void {
    if (work.scriptSource === undefined) return;
    const file = new PodPaths(this.roots.view(unfinished, parts)).writable(SCRIPT_PATH);
    writeFileSync(file, work.scriptSource, { mode: SCRIPT_MODE });
  }

  private deadline(manifest: PodManifest): { deadlineCentiseconds?: number } {
    const active = activeDeadlineSeconds(manifest);
    const { deadlineMs } = manifest.work;
    const limits = [
      ...(active === undefined ? [] : [active * 100]),
      ...(deadlineMs === undefined ? [] : [(deadlineMs - this.options.clock.nowMs()) / 10]),
    ];
    return limits.length === 0 ? {} : { deadlineCentiseconds: uptimeSeconds() * 100 + Math.max(0, Math.min(...limits)) };
  }

  /** The folder of a pod that exists, followed from here on unless a living process does; null where there is none. */
  private adopt(identity: PodIdentity): PodFolder | null {
    const folder = PodFolder.find(this.podsFolder, identity);
    const record = folder?.record() ?? null;
    if (folder === null || record === null) return null;
    if (!this.courses.has(identityKey(identity)) && folder.takeOver(this.self)) this.follow(folder, record);
    return folder;
  }

  private adoptOrphans(): void {
    let foreign = 0;
    try {
      for (const folder of PodFolder.all(this.podsFolder)) {
        if (this.courses.has(path.basename(folder.folder))) continue;
        const record = folder.record();
        if (record === null) continue;
        if (folder.takeOver(this.self)) this.follow(folder, record);
        else if (folder.report() === null) foreign += 1;
      }
      this.foreignPods = foreign;
    } catch (error) {
      this.options.logger.error('the folder of pods could not be scanned', { err: error });
    }
  }

  private noteLogs(): void {
    const nowMs = this.options.clock.nowMs();
    try {
      for (const course of this.courses.values()) if (!course.hasEnded) course.noteLog(nowMs);
    } catch (error) {
      this.options.logger.warn('the size of a log could not be noted', { err: error });
    }
  }

  private follow(folder: PodFolder, record: PodRecord): void {
    const { ability, staging, clock, logger, hostName } = this.options;
    const main = mainOf(record.manifest);
    const image = main.image === undefined ? undefined : this.options.images.find(main.image);
    const files = new SandboxPodFiles(
      folder,
      this.roots.view(folder.folder, { image, volumes: podVolumes(record.manifest, main) }),
    );
    const course = new PodCourse(folder, record, files, {
      tools: ability.tools,
      userNamespace: ability.userNamespace,
      staging,
      clock,
      logger,
      hostName,
      runningReportDelayMs: RUNNING_REPORT_DELAY_MS,
      observe: (observation) => this.observe(observation),
    });
    this.courses.set(identityKey(record.identity), course);
  }

  private runningPods(): number {
    let running = this.foreignPods;
    for (const course of this.courses.values()) if (!course.hasEnded) running += 1;
    return running;
  }

  private observeLatest(identity: PodIdentity, folder: PodFolder): void {
    const course = this.courses.get(identityKey(identity));
    this.observe(course?.latest ?? folder.report() ?? { identity, phase: 'Running', hostNodeName: this.options.hostName });
  }

  private observeGone(identity: PodIdentity): void {
    this.observe({ identity, phase: 'Gone', message: 'no such pod on this host' });
  }

  private observe(observation: PodObservation): void {
    this.queue?.add(observation);
  }
}

/** A folder without living init and without future counts as ended too. */
function hasEnded(folder: PodFolder): boolean {
  return folder.exit() !== null || folder.report() !== null || folder.record() === null;
}

async function* nothing(): AsyncIterable<LogLine> {
  // A pod without this container has no lines.
}

/** The usual folders first, then those of the host that are absolute and not of a package's own tools. */
function joinedPaths(searchPath = ''): string {
  const usual = DEFAULT_PATH.split(':');
  const further = searchPath.split(':').filter((folder) => path.isAbsolute(folder) && !folder.includes('node_modules'));
  return [...new Set([...usual, ...further])].join(':');
}
