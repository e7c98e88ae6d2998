import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import type Docker from 'dockerode';

import { identityLabels, type PodManifest, type RuntimeAbilities } from '#libs/pod-spec';
import { type Clock, UserError } from '#libs/workflow-spec';

import { DOCKER_ABILITIES } from '../abilities.js';
import type { EnvSource, RuntimeLogger } from '../collaborators.js';
import type {
  ClaimKey,
  ClaimOutcome,
  CreateOutcome,
  LogLine,
  LogOptions,
  PodIdentity,
  PodObservation,
  PodRuntime,
} from '../contract.js';
import type { ImageCatalogue } from '../image-catalogue.js';
import { ObservationQueue } from '../observation-queue.js';
import { podContainers } from '../pod-containers.js';
import { identityKey } from '../pod-identity.js';
import type { PodStaging } from '../staging.js';
import { claimedName, CONTAINER_LABEL, HOST_LABEL, MANIFEST_LABEL, OURS_LABEL, OURS_VALUE } from './container-options.js';
import { ask, type DockerConnection } from './docker-connection.js';
import { DockerCourse } from './docker-course.js';
import { DockerPodFiles } from './docker-files.js';
import { logFrames, parseStampedLine } from './docker-log.js';
import { DockerPodMaker, type LabelledPod } from './docker-pod-maker.js';
import { claimVolumeName, podVolumeNames } from './docker-volumes.js';
import { ImagePuller } from './image-puller.js';

const NOT_FOUND = 404;
const CONFLICT = 409;
const START_POLL_MS = 100;
const SCAN_INTERVAL_MS = 10_000;

export interface DockerOptions {
  connection: DockerConnection;
  staging: PodStaging;
  images: ImageCatalogue;
  env: EnvSource;
  clock: Clock;
  logger: RuntimeLogger;
  hostName: string;
  maxPods: number;
  /** Folder for files on their way into and out of containers. */
  dataFolder: string;
  /** Docker network of the containers; absent: the daemon's default. */
  network?: string;
  /** Paths of the daemon's host that pods may mount as hostPath, with all below them; default: none. */
  hostPaths?: readonly string[];
}

/**
 * One container per pod on a daemon of Docker or Podman. All state is the daemon's: labels say which containers are ours and hold the
 * pod, so any later process finds them by a list. States: made → started (observing, listing again every ten seconds) → closed.
 */
export class DockerRuntime implements PodRuntime {
  readonly name = 'docker';
  readonly abilities: RuntimeAbilities;
  private readonly docker: Docker;
  private readonly courses = new Map<string, DockerCourse>();
  private readonly creating = new Map<string, Promise<CreateOutcome>>();
  private readonly puller: ImagePuller;
  private readonly maker: DockerPodMaker;
  private queue: ObservationQueue | null = null;
  private scan: NodeJS.Timeout | null = null;

  constructor(private readonly options: DockerOptions) {
    this.docker = options.connection.docker;
    this.abilities = { ...DOCKER_ABILITIES, hostPaths: options.hostPaths ?? [] };
    this.puller = new ImagePuller(this.docker, options.logger);
    this.maker = new DockerPodMaker({ ...options, hostPaths: options.hostPaths ?? [] });
  }

  async start(observe: (observations: PodObservation[]) => Promise<void>): Promise<void> {
    this.queue = new ObservationQueue(observe, this.options.logger);
    await this.followAll();
    this.scan = setInterval(() => {
      this.followAll().catch((error: unknown) => this.options.logger.warn('the containers could not be listed', { err: error }));
    }, SCAN_INTERVAL_MS);
    this.scan.unref();
  }

  async create(identity: PodIdentity, manifest: PodManifest): Promise<CreateOutcome> {
    const key = identityKey(identity);
    const underway = this.creating.get(key);
    if (underway !== undefined) {
      const outcome = await underway;
      return outcome.type === 'created' ? { type: 'adopted' } : outcome;
    }
    const creation = this.createOnce(identity, manifest).finally(() => this.creating.delete(key));
    this.creating.set(key, creation);
    return creation;
  }

  async terminate(identity: PodIdentity, graceSeconds: number): Promise<void> {
    await this.creationOf(identity);
    const course = await this.adopt(identity);
    if (course === null) return this.observeGone(identity);
    if (course.hasEnded) this.observe(course.latest);
    else await course.terminate(graceSeconds);
  }

  async delete(identity: PodIdentity): Promise<void> {
    const key = identityKey(identity);
    await this.creationOf(identity);
    this.courses.get(key)?.stop();
    this.courses.delete(key);
    const output = await this.maker.find(identity);
    const pod = output === null ? null : parsePod(output.Config.Labels);
    const members = await this.listed([...Object.entries(identityLabels(identity)).map(([name, value]) => `${name}=${value}`)]);
    // The container with the pod's label goes last: as long as it is there, a repeated deletion knows what belongs to the pod.
    const ids = [...members.map(({ Id }) => Id).filter((id) => id !== output?.Id), ...(output === null ? [] : [output.Id])];
    for (const id of ids) await this.remove(() => this.docker.getContainer(id).remove({ force: true, v: true }));
    for (const name of pod === null ? [] : podVolumeNames(identity, pod.manifest))
      await this.remove(() => this.docker.getVolume(name).remove());
    await this.filesOf(identity, this.docker.getContainer(claimedName(identity))).clear();
  }

  async inspect(identity: PodIdentity): Promise<void> {
    await this.creationOf(identity);
    const course = await this.adopt(identity);
    if (course === null) this.observeGone(identity);
    else this.observe(course.latest);
  }

  async *logs(identity: PodIdentity, options: LogOptions): AsyncIterable<LogLine> {
    const inspected = await this.memberOf(identity, options.container);
    if (inspected === null) return;
    const found = inspected.Id;
    const container = inspected.Config.Labels[CONTAINER_LABEL] ?? 'main';
    try {
      let lines = 0;
      do {
        if (options.follow === true) await this.started(identity, found, options.signal);
        const ended = this.courses.get(identityKey(identity))?.hasEnded !== false;
        const stream = await this.openLog(found, options);
        for await (const line of linesOf(stream, options, { container, isTerminal: inspected.Config.Tty === true })) {
          lines += 1;
          yield line;
        }
        // A log that is opened in the moment of the start may end at once.
        if (options.follow !== true || ended) break;
        if (lines === 0) await sleep(START_POLL_MS, undefined, options.signal === undefined ? {} : { signal: options.signal });
      } while (lines === 0);
    } catch (error) {
      if (options.signal?.aborted !== true) throw error;
    }
  }

  async createClaim(claim: ClaimKey): Promise<ClaimOutcome> {
    await ask(() => this.docker.createVolume({ Name: claimVolumeName(claim), Labels: { [OURS_LABEL]: OURS_VALUE } }));
    return { type: 'created' };
  }

  async deleteClaim(claim: ClaimKey): Promise<void> {
    await ask<unknown>(() => this.docker.getVolume(claimVolumeName(claim)).remove(), new Map([[NOT_FOUND, undefined]]));
  }

  async close(): Promise<void> {
    if (this.scan !== null) clearInterval(this.scan);
    const courses = [...this.courses.values()];
    for (const course of courses) course.stop();
    this.courses.clear();
    await Promise.all(courses.map((course) => course.done));
    await this.queue?.close();
  }

  /** The daemon ends the log of a container that has not been started at once. */
  private async started(identity: PodIdentity, container: string, signal: AbortSignal | undefined): Promise<void> {
    while (signal?.aborted !== true && this.courses.get(identityKey(identity))?.hasEnded === false) {
      const found = await ask<Docker.ContainerInspectInfo | null>(
        () => this.docker.getContainer(container).inspect(),
        new Map([[NOT_FOUND, null]]),
      );
      if (found?.State.Status !== 'created') return;
      await sleep(START_POLL_MS, undefined, signal === undefined ? {} : { signal });
    }
  }

  private openLog(container: string, options: LogOptions): Promise<AsyncIterable<Buffer>> {
    const selection: Docker.ContainerLogsOptions & { follow: true } = {
      // Always as a stream; what must not be followed ends at the present.
      follow: true,
      stdout: true,
      stderr: true,
      timestamps: true,
      ...(options.tailLines === undefined ? {} : { tail: options.tailLines }),
      ...(options.sinceMs === undefined ? {} : { since: Math.floor(options.sinceMs / 1000) }),
      ...(options.follow === true ? {} : { until: Math.ceil(this.options.clock.nowMs() / 1000) + 1 }),
      ...(options.signal === undefined ? {} : { abortSignal: options.signal }),
    };
    return ask(async () => (await this.docker.getContainer(container).logs(selection)) as unknown as AsyncIterable<Buffer>);
  }

  private async createOnce(identity: PodIdentity, manifest: PodManifest): Promise<CreateOutcome> {
    if ((await this.adopt(identity)) !== null) return { type: 'adopted' };
    const running = [...this.courses.values()].filter((course) => !course.hasEnded).length;
    if (running >= this.options.maxPods)
      return { type: 'busy', message: `all ${this.options.maxPods} pod slots of host ${this.options.hostName} are taken` };
    try {
      const pod = { identity, manifest, containers: podContainers(manifest) };
      for (const { container } of pod.containers) {
        const image = await this.puller.ensure(container.image ?? '', container.imagePullPolicy);
        if (image.type !== 'present') return image;
      }
      return await this.make(pod);
    } catch (error) {
      if (error instanceof UserError) return { type: 'refused', message: error.message };
      throw error;
    }
  }

  private async make(pod: LabelledPod): Promise<CreateOutcome> {
    const container = await this.maker.makeOutput(pod);
    if (container === null)
      return (await this.adopt(pod.identity)) === null
        ? { type: 'busy', message: 'the container is being removed' }
        : { type: 'adopted' };
    this.follow(pod, container.id);
    return { type: 'created' };
  }

  /** Resolves when this process makes no container of the pod, however that ended: what is asked for then meets the container. */
  private async creationOf(identity: PodIdentity): Promise<void> {
    await this.creating.get(identityKey(identity))?.catch(() => undefined);
  }

  private async adopt(identity: PodIdentity): Promise<DockerCourse | null> {
    const found = await this.maker.find(identity);
    if (found === null) return null;
    const known = this.courses.get(identityKey(identity));
    if (known !== undefined) return known;
    const pod = parsePod(found.Config.Labels);
    return pod === null ? null : this.follow(pod, found.Id);
  }

  private listed(labels: string[]): Promise<Docker.ContainerInfo[]> {
    const ours = `${OURS_LABEL}=${OURS_VALUE}`;
    return ask(() => this.docker.listContainers({ all: true, filters: { label: [ours, ...labels] } }));
  }

  private async remove(removal: () => Promise<unknown>): Promise<void> {
    await ask<unknown>(
      removal,
      new Map([
        [NOT_FOUND, undefined],
        [CONFLICT, undefined],
      ]),
    );
  }

  private async followAll(): Promise<void> {
    const containers = await this.listed([`${HOST_LABEL}=${this.options.hostName}`]);
    for (const { Id, Labels } of containers) {
      const pod = parsePod(Labels);
      if (pod !== null && !this.courses.has(identityKey(pod.identity)) && !this.creating.has(identityKey(pod.identity)))
        this.follow(pod, Id);
    }
  }

  private follow(pod: LabelledPod, id: string): DockerCourse {
    const key = identityKey(pod.identity);
    const known = this.courses.get(key);
    if (known !== undefined) return known;
    const { staging, clock, logger, hostName } = this.options;
    const course = new DockerCourse(
      {
        ...pod,
        files: this.filesOf(pod.identity, this.docker.getContainer(id)),
        folder: this.folderOf(pod.identity),
        members: () => this.maker.members(pod),
      },
      { staging, clock, logger, hostName, observe: (observation) => this.observe(observation) },
    );
    this.courses.set(key, course);
    // One that broke off is followed anew by the next list of the containers.
    void course.done.then(() => {
      if (!course.hasEnded && this.courses.get(key) === course) this.courses.delete(key);
    });
    return course;
  }

  private filesOf(identity: PodIdentity, container: Docker.Container): DockerPodFiles {
    return new DockerPodFiles(container, this.folderOf(identity), async (name) => {
      const found = await this.memberOf(identity, name);
      return found === null ? null : this.docker.getContainer(found.Id);
    });
  }

  private folderOf(identity: PodIdentity): string {
    return path.join(this.options.dataFolder, 'docker-files', identityKey(identity));
  }

  /** A container of the pod by its name; without one that of the outputs. */
  private async memberOf(identity: PodIdentity, name: string | undefined): Promise<Docker.ContainerInspectInfo | null> {
    const output = await this.maker.find(identity);
    if (output === null || name === undefined || output.Config.Labels[CONTAINER_LABEL] === name) return output;
    return this.maker.find(identity, name);
  }

  private observeGone(identity: PodIdentity): void {
    this.observe({ identity, phase: 'Gone', message: 'no such pod on this host' });
  }

  private observe(observation: PodObservation): void {
    this.queue?.add(observation);
  }
}

function parsePod(labels: Record<string, string>): LabelledPod | null {
  try {
    const pod = JSON.parse(labels[MANIFEST_LABEL] ?? 'null') as Pick<LabelledPod, 'identity' | 'manifest'> | null;
    return pod === null ? null : { ...pod, containers: podContainers(pod.manifest) };
  } catch {
    return null;
  }
}

async function* linesOf(
  stream: AsyncIterable<Buffer>,
  options: LogOptions,
  { container, isTerminal }: { container: string; isTerminal: boolean },
): AsyncIterable<LogLine> {
  const rests = { stdout: '', stderr: '' };
  const toLine = (text: string): LogLine => ({ container, ...parseStampedLine(text) });
  const wanted = (line: LogLine): boolean => options.sinceMs === undefined || line.atMs >= options.sinceMs;
  for await (const frame of logFrames(stream, isTerminal)) {
    const parts = (rests[frame.stream] + frame.data.toString('utf8')).split('\n');
    rests[frame.stream] = parts.pop() ?? '';
    yield* parts.map(toLine).filter(wanted);
  }
  for (const rest of Object.values(rests)) if (rest !== '') yield* [toLine(rest)].filter(wanted);
}
