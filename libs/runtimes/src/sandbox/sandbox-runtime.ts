import { chmodSync, mkdirSync } from 'node:fs';
import path from 'node:path';

import type { PodManifest, RuntimeAbilities } from '#libs/pod-spec';
import { type Clock, UserError } from '#libs/workflow-spec';

import { SANDBOX_ABILITIES } from '../abilities.js';
import type { EnvSource, RuntimeLogger } from '../collaborators.js';
import type {
  ClaimKey,
  ClaimOutcome,
  CreateOutcome,
  LogChunk,
  LogLine,
  LogOptions,
  PodIdentity,
  PodObservation,
  PodRuntime,
} from '../contract.js';
import { RuntimeUnavailableError } from '../errors.js';
import type { ImageCatalogue } from '../image-catalogue.js';
import { ObservationQueue } from '../observation-queue.js';
import { identityKey } from '../pod-identity.js';
import type { PodStaging } from '../staging.js';
import { isDiskFull, lackOfRoom } from './disk-room.js';
import { Forwarders } from './forwarders.js';
import { type LogFileSource, readBytes, readLines } from './log-reader.js';
import { LOG_FILE, SandboxLogTimes } from './log-times.js';
import { hasOwnNetwork } from './pod-address.js';
import { PodCourse } from './pod-course.js';
import { askToEnd, kill } from './pod-ending.js';
import { SandboxPodFiles } from './pod-files.js';
import { PodFolder, type PodRecord } from './pod-folder.js';
import { layPod, type PlanMeans, planPod } from './pod-plan.js';
import { ownIdentity } from './process-identity.js';
import { removeFolder } from './remove-folder.js';
import type { SandboxAbility } from './sandbox-ability.js';
import { claimFolder } from './volume-folders.js';

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const CLAIMS_FOLDER = 'claims';
const SHARED_MODE = 0o777;
const SCAN_INTERVAL_MS = 2_000;
const ENDS: ReadonlySet<PodObservation['phase']> = new Set(['Succeeded', 'Failed', 'Gone']);
const LOG_SAMPLE_MS = 250;
const RUNNING_REPORT_DELAY_MS = 100;

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
  /** Paths of this host that pods may mount as hostPath, with all below them; default: none. */
  hostPaths?: readonly string[];
}

/**
 * Pods as processes of this host in namespaces of their own (docs/sandbox.md says what that isolates). Nothing is known only in
 * memory: `start` and a scan every two seconds find the pods whose observer is dead and go on with them. States: made → started
 * (observing) → closed; after `close` the pods run on and belong to whoever comes next.
 */
export class SandboxRuntime implements PodRuntime {
  readonly name = 'sandbox';
  readonly abilities: RuntimeAbilities;
  /** Absent where no pod can have a network of its own here. */
  readonly forward?: NonNullable<PodRuntime['forward']>;
  private readonly forwarders: Forwarders;
  private readonly courses = new Map<string, PodCourse>();
  private readonly self = ownIdentity();
  private readonly means: PlanMeans;
  private readonly podsFolder: string;
  private queue: ObservationQueue | null = null;
  private scan: NodeJS.Timeout | null = null;
  private sampling: NodeJS.Timeout | null = null;
  private foreignPods = 0;

  constructor(private readonly options: SandboxOptions) {
    const { ability, hostPaths = [] } = options;
    this.podsFolder = ability.podsFolder;
    this.forwarders = new Forwarders(ability);
    if (ability.tools.loopback !== undefined) this.forward = (identity, port) => this.socketOf(identity, port);
    const claimsFolder = path.join(path.dirname(ability.podsFolder), CLAIMS_FOLDER);
    this.means = {
      ...options,
      ...ability,
      searchPath: joinedPaths(options.searchPath),
      places: { claimsFolder, hostPaths },
    };
    this.abilities = {
      ...SANDBOX_ABILITIES,
      otherUsers: !ability.userNamespace && ability.tools.setpriv !== undefined,
      hostPaths,
      probes: SANDBOX_ABILITIES.probes.filter((action) => action !== 'exec' || ability.tools.nsenter !== undefined),
    };
  }

  async start(observe: (observations: PodObservation[]) => Promise<void>): Promise<void> {
    this.queue = new ObservationQueue(observe, this.options.logger);
    mkdirSync(this.podsFolder, { recursive: true, mode: 0o700 });
    await PodFolder.sweep(this.podsFolder);
    this.adoptOrphans();
    this.scan = setInterval(() => this.adoptOrphans(), SCAN_INTERVAL_MS);
    this.scan.unref();
    this.sampling = setInterval(() => this.lookAtPods(), LOG_SAMPLE_MS);
    this.sampling.unref();
  }

  async create(identity: PodIdentity, manifest: PodManifest): Promise<CreateOutcome> {
    if (this.adopt(identity) !== null) return { type: 'adopted' };
    const running = this.runningPods();
    if (running >= this.options.maxPods) {
      return { type: 'busy', message: `all ${this.options.maxPods} pod slots of host ${this.options.hostName} are taken` };
    }
    const lack = lackOfRoom(this.podsFolder);
    if (lack !== undefined) return { type: 'busy', message: lack };
    try {
      return await this.make({ identity, manifest });
    } catch (error) {
      if (error instanceof UserError) return { type: 'refused', message: error.message };
      if (isDiskFull(error)) return { type: 'busy', message: 'the disk of the pods is full' };
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
    this.forwarders.end(folder.folder);
    await kill(folder);
    await folder.remove();
  }

  async inspect(identity: PodIdentity): Promise<void> {
    const folder = this.adopt(identity);
    if (folder === null) this.observeGone(identity);
    else this.observeLatest(identity, folder);
  }

  logs(identity: PodIdentity, options: LogOptions): AsyncIterable<LogLine> {
    const source = this.logOf(identity, options.container);
    return source === null ? nothing() : readLines(source, options);
  }

  logBytes(
    identity: PodIdentity,
    { container, ...options }: { container: string; fromByte: number; signal: AbortSignal },
  ): AsyncIterable<LogChunk> {
    const source = this.logOf(identity, container);
    return source === null ? nothing() : readBytes(source, { ...options, follow: true });
  }

  async createClaim(claim: ClaimKey): Promise<ClaimOutcome> {
    try {
      const folder = claimFolder(this.means.places.claimsFolder, claim);
      mkdirSync(folder, { recursive: true });
      chmodSync(folder, SHARED_MODE);
      return { type: 'created' };
    } catch (error) {
      if (error instanceof UserError) return { type: 'refused', message: error.message };
      throw error;
    }
  }

  async deleteClaim(claim: ClaimKey): Promise<void> {
    await removeFolder(claimFolder(this.means.places.claimsFolder, claim));
  }

  async close(): Promise<void> {
    if (this.scan !== null) clearInterval(this.scan);
    if (this.sampling !== null) clearInterval(this.sampling);
    this.forwarders.endAll();
    const courses = [...this.courses.values()];
    for (const course of courses) course.stop();
    this.courses.clear();
    await Promise.all(courses.map((course) => course.done));
    await this.queue?.close();
  }

  private async socketOf(identity: PodIdentity, port: number): Promise<{ socketPath: string }> {
    const folder = this.adopt(identity);
    const manifest = folder?.record()?.manifest;
    if (folder === null || manifest === undefined || this.courses.get(identityKey(identity))?.hasEnded !== false)
      throw new RuntimeUnavailableError('the pod does not run, or another process follows it');
    if (!hasOwnNetwork(manifest)) throw new Error('a pod on the network of the host needs no socket');
    return { socketPath: await this.forwarders.socketOf(folder, port) };
  }

  private logOf(identity: PodIdentity, name: string | undefined): LogFileSource | null {
    const pod = PodFolder.find(this.podsFolder, identity);
    const containers = pod?.record()?.containers ?? [];
    const container = containers.find((each) => (name === undefined ? each.role === 'main' : each.name === name));
    if (pod === null || container === undefined) return null;
    const { folder } = container;
    return {
      file: pod.path(folder, LOG_FILE),
      container: container.name,
      times: new SandboxLogTimes({ pod, folder }),
      hasEnded: () => hasEnded(pod, folder),
    };
  }

  private async make({ identity, manifest }: { identity: PodIdentity; manifest: PodManifest }): Promise<CreateOutcome> {
    const plan = await planPod(identity, manifest, this.means);
    const made = PodFolder.create(this.podsFolder, { identity, manifest }, this.self, (unfinished, final) =>
      layPod(plan, { unfinished, final }, this.means),
    );
    if (made === null) return { type: 'adopted' };
    this.follow(made.folder, made.record);
    return { type: 'created' };
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

  private lookAtPods(): void {
    const nowMs = this.options.clock.nowMs();
    try {
      for (const course of this.courses.values()) if (!course.hasEnded) course.look(nowMs);
    } catch (error) {
      this.options.logger.warn('a running pod could not be looked at', { err: error });
    }
  }

  private follow(folder: PodFolder, record: PodRecord): void {
    const { ability, staging, clock, logger, hostName } = this.options;
    const files = new SandboxPodFiles(folder, record.containers, (container) =>
      this.options.ability.roots.view({ podFolder: folder.folder, folder: container.folder }, container),
    );
    const course = new PodCourse(folder, record, files, {
      tools: ability.tools,
      userNamespace: ability.userNamespace,
      staging,
      clock,
      logger,
      hostName,
      runningReportDelayMs: RUNNING_REPORT_DELAY_MS,
      observe: (observation) => {
        if (ENDS.has(observation.phase)) this.forwarders.end(folder.folder);
        this.observe(observation);
      },
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
function hasEnded(pod: PodFolder, container: string): boolean {
  return pod.exit(container) !== null || pod.report() !== null || pod.record() === null;
}

async function* nothing(): AsyncIterable<never> {
  // A pod without this container has no lines.
}

/** The usual folders first, then those of the host that are absolute and not of a package's own tools. */
function joinedPaths(searchPath = ''): string {
  const usual = DEFAULT_PATH.split(':');
  const further = searchPath.split(':').filter((folder) => path.isAbsolute(folder) && !folder.includes('node_modules'));
  return [...new Set([...usual, ...further])].join(':');
}
