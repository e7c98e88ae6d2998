import type Docker from 'dockerode';

import type { PodManifest } from '#libs/pod-spec';
import { UserError } from '#libs/workflow-spec';

import type { EnvSource } from '../collaborators.js';
import { DOCKER_ABILITIES } from '../abilities.js';
import { containerSecurity } from '../container-security.js';
import { debugPauseOf } from '../debug-pause.js';
import type { PodIdentity } from '../contract.js';
import { resolveEnvironment } from '../environment.js';
import { PodRefusedError } from '../errors.js';
import type { ImageCatalogue } from '../image-catalogue.js';
import { outputContainerOf, type PodContainer } from '../pod-containers.js';
import { containerProbes } from '../probes/probe.js';
import { needsStaging } from '../staging.js';
import { type VolumeFile, volumeFiles } from '../volumes/volume-files.js';
import { volumeMounts, volumeSources } from '../volumes/volume-source.js';
import { claimedName, containerOptions, unclaimedName } from './container-options.js';
import { ask, type DockerConnection, messageOf, statusOf } from './docker-connection.js';
import { DockerMember } from './docker-member.js';
import { dockerMounts, fileMounts, type MountContext } from './docker-volumes.js';
import { packContents } from './tar-archive.js';

const NOT_FOUND = 404;
const CONFLICT = 409;
/** Where programs leave their progress. */
const EXECUTOR_FOLDER = '/var/run/argo';

/** A pod with its containers. */
export interface LabelledPod {
  identity: PodIdentity;
  manifest: PodManifest;
  containers: readonly PodContainer[];
}

export interface PodMakerMeans {
  connection: DockerConnection;
  images: ImageCatalogue;
  env: EnvSource;
  hostName: string;
  hostPaths: readonly string[];
  network?: string;
}

/** Makes the containers of pods. Every step may be repeated: a name belongs to one container. */
export class DockerPodMaker {
  private readonly docker: Docker;

  constructor(private readonly means: PodMakerMeans) {
    this.docker = means.connection.docker;
  }

  /** The container of the outputs; null where it is there already. Throws UserError for what can never be made. */
  async makeOutput(pod: LabelledPod): Promise<Docker.Container | null> {
    const output = outputContainerOf(pod.containers);
    // All of the pod is read first: what can never be had is said before anything is made.
    for (const member of pod.containers) {
      assertRunnable(pod.manifest, member);
      dockerMounts(await this.contextOf(pod, member));
    }
    await this.filesOf(pod);
    return this.make(pod, output);
  }

  /** All containers of a pod whose output container exists, made and filled where they are missing. */
  async members(pod: LabelledPod): Promise<DockerMember[]> {
    const output = outputContainerOf(pod.containers);
    const owner = await this.find(pod.identity);
    if (owner === null) throw new UserError('the container of the pod has been removed');
    const members: DockerMember[] = [];
    for (const member of pod.containers) {
      const name = member === output ? undefined : member.name;
      const found =
        name === undefined ? owner : ((await this.find(pod.identity, name)) ?? (await this.makeBeside(pod, member, owner.Id)));
      if (found.State.Status === 'created' && found.Name.endsWith(unclaimedName(pod.identity, name)))
        await this.fill(pod, member, found.Id);
      members.push(new DockerMember(member, this.docker.getContainer(found.Id), claimedName(pod.identity, name)));
    }
    return members;
  }

  /**
   * The claimed container first: an unclaimed one beside it was made too late and never starts. A claim between the first
   * two questions hides the container from both, so the claimed name is asked for once more.
   */
  async find(identity: PodIdentity, member?: string): Promise<Docker.ContainerInspectInfo | null> {
    for (const name of [claimedName(identity, member), unclaimedName(identity, member), claimedName(identity, member)]) {
      const found = await ask<Docker.ContainerInspectInfo | null>(
        () => this.docker.getContainer(name).inspect(),
        new Map([[NOT_FOUND, null]]),
      );
      if (found !== null) return found;
    }
    return null;
  }

  private async makeBeside(pod: LabelledPod, member: PodContainer, networkOwnerId: string): Promise<Docker.ContainerInspectInfo> {
    const isShared = member.role !== 'init' && pod.manifest.work.containerGraph === undefined;
    await this.make(pod, member, { networkOwnerId, isShared });
    const found = await this.find(pod.identity, member.name);
    if (found === null) throw new UserError(`the container ${member.name} of the pod has been removed`);
    return found;
  }

  private async make(
    pod: LabelledPod,
    member: PodContainer,
    beside?: { networkOwnerId: string; isShared: boolean },
  ): Promise<Docker.Container | null> {
    const { network, images, hostName, connection } = this.means;
    const context = await this.contextOf(pod, member);
    const options = containerOptions({
      ...context,
      hostName,
      image: images.find(member.container.image ?? ''),
      mounts: dockerMounts(context),
      hasInit: connection.hasInit,
      ...(network === undefined ? {} : { network }),
      ...(beside === undefined ? {} : { beside }),
    });
    return ask<Docker.Container | null>(
      async () => {
        try {
          return await this.docker.createContainer(options);
        } catch (error) {
          if (statusOf(error) === 400) throw new UserError(messageOf(error), { cause: error });
          throw error;
        }
      },
      new Map([[CONFLICT, null]]),
    );
  }

  /** Puts in what volumes made of files hold, and the folder for the progress. */
  private async fill(pod: LabelledPod, member: PodContainer, id: string): Promise<void> {
    if (containerSecurity(pod.manifest, member.container, DOCKER_ABILITIES).readOnlyRoot) return;
    const files = fileMounts(await this.contextOf(pod, member), await this.filesOf(pod));
    await ask(() => this.docker.getContainer(id).putArchive(packContents([EXECUTOR_FOLDER], files), { path: '/' }));
  }

  private async contextOf(pod: LabelledPod, member: PodContainer): Promise<MountContext> {
    const place = { hostName: this.means.hostName, podIP: '' };
    const environment = await resolveEnvironment(pod.manifest, member.container, this.means.env, place);
    return { ...pod, member, environment, hostPaths: this.means.hostPaths };
  }

  private async filesOf({ manifest, containers }: LabelledPod): Promise<Map<string, VolumeFile[]>> {
    const sources = volumeSources(manifest);
    const mounted = new Set(containers.flatMap(({ container }) => volumeMounts(container, sources).map(({ volume }) => volume)));
    const context = {
      manifest,
      containers: containers.map(({ container }) => container),
      source: this.means.env,
      place: { hostName: this.means.hostName, podIP: '' },
    };
    const files = new Map<string, VolumeFile[]>();
    for (const [name, source] of sources) {
      if (source.kind === 'files' && mounted.has(name)) files.set(name, await volumeFiles(source.volume, context));
    }
    return files;
  }
}

/** Throws PodRefusedError for what Docker cannot give a container, by name. */
function assertRunnable(manifest: PodManifest, { container }: PodContainer): void {
  const { readOnlyRoot } = containerSecurity(manifest, container, DOCKER_ABILITIES);
  containerProbes(container);
  const where = `container ${container.name ?? ''}`;
  const sources = volumeSources(manifest);
  const hasFiles = volumeMounts(container, sources).some(({ volume }) => sources.get(volume)?.kind === 'files');
  if (readOnlyRoot && (hasFiles || needsStaging(manifest) || manifest.work.scriptSource !== undefined))
    throw new PodRefusedError(`${where}: readOnlyRootFilesystem with files to be put in is not supported by the docker runtime`);
  const paused = debugPauseOf(container.name ?? '', new Map((container.env ?? []).map(({ name, value = '' }) => [name, value])));
  if (Object.keys(paused).length > 0)
    throw new PodRefusedError(`${where}: ARGO_DEBUG_PAUSE is not supported by the docker runtime`);
  const lifecycle = (container.lifecycle ?? {}) as Record<string, { exec?: object }>;
  const unknown = Object.entries(lifecycle).find(([, hook]) => hook.exec === undefined);
  if (unknown !== undefined)
    throw new PodRefusedError(`${where}: lifecycle.${unknown[0]}: only exec is supported by the docker runtime`);
}
