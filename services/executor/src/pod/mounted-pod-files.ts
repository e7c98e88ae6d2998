import { execFile } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { lstat, mkdir, readdir } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

import type { PodFiles } from '#libs/execution';
import { type ExecutorPod, outputContainerName } from '#libs/pod-spec';

import { makeRoomBelow, resolveBelow } from '../directory-paths.js';
import { fileTail } from '../file-tail.js';

/** Where the parts of the pod are in the executor's containers (libs/pod-spec, kubernetes-pod.ts). */
export interface PodMounts {
  /** What wrappers and executor share. */
  sharedFolder: string;
  /** The volumes of main containers, each at its own path below it. */
  mirrorFolder: string;
  /** Volume of the input artifacts, with a file or folder per artifact. */
  inputsFolder: string;
  inputsVolume: string;
  /** Own folder for what is unpacked. */
  temporaryFolder: string;
  /** A busybox. */
  busybox: string;
}

const isBelow = (file: string, folder: string): boolean => file === folder || file.startsWith(`${folder.replace(/\/+$/, '')}/`);

/**
 * The files of the pod of which this process is a container: volumes are mounted here as well, and what was on the output container's own file
 * system was copied by its wrapper before it ended.
 */
export class MountedPodFiles implements PodFiles {
  private readonly output: string;

  constructor(
    private readonly pod: ExecutorPod,
    private readonly mounts: PodMounts,
  ) {
    this.output = outputContainerName(pod.work);
  }

  async stagePath(containerPath: string): Promise<string> {
    const { inputsVolume, inputsFolder, mirrorFolder } = this.mounts;
    const artifact = this.pod.work.inputArtifacts.find((input) => normal(input.path) === containerPath);
    const isOwnMount = this.pod.containers.some((container) =>
      container.mounts.some((mount) => mount.volume === inputsVolume && normal(mount.path) === containerPath),
    );
    if (artifact !== undefined && isOwnMount) return path.join(inputsFolder, artifact.name);
    return makeRoomBelow(mirrorFolder, containerPath);
  }

  async capturedPath(containerPath: string): Promise<string | null> {
    const file = this.isMounted(containerPath)
      ? await resolveBelow(this.mounts.mirrorFolder, containerPath, true)
      : await this.copied(containerPath);
    return file !== undefined && (await isThere(file)) ? file : null;
  }

  async stdoutTail(maxBytes: number): Promise<Buffer> {
    const file = this.fileOf(this.output, 'stdout');
    if (!(await isThere(file))) return Buffer.alloc(0);
    return fileTail(file, maxBytes);
  }

  async *readLog(container: string): AsyncIterable<Uint8Array> {
    const file = this.fileOf(container, 'combined');
    if (await isThere(file)) yield* createReadStream(file) as AsyncIterable<Uint8Array>;
  }

  private isMounted(containerPath: string): boolean {
    const container = this.pod.containers.find(({ name }) => name === this.output);
    return container?.mounts.some((mount) => isBelow(containerPath, mount.path)) ?? false;
  }

  /** The copy that the wrapper made: an archive of an artifact, else a parameter's file. */
  private async copied(containerPath: string): Promise<string | undefined> {
    const { sharedFolder, temporaryFolder, busybox } = this.mounts;
    const { outputArtifacts, outputParameters } = this.pod.work;
    const artifact = outputArtifacts.findIndex((output) => normal(output.path) === normal(containerPath));
    const archive = path.join(sharedFolder, 'outputs/artifacts', `${artifact}.tar`);
    if (artifact >= 0 && (await isThere(archive))) {
      const folder = path.join(temporaryFolder, 'artifacts', String(artifact));
      await mkdir(folder, { recursive: true });
      await promisify(execFile)(busybox, ['tar', '-xf', archive, '-C', folder]);
      const [name] = await readdir(folder);
      return name === undefined ? undefined : path.join(folder, name);
    }
    const parameter = outputParameters.findIndex(({ valueFrom }) => valueFrom?.path === containerPath);
    return parameter < 0 ? undefined : path.join(sharedFolder, 'outputs/parameters', String(parameter));
  }

  private fileOf(container: string, name: string): string {
    return path.join(this.mounts.sharedFolder, 'ctr', path.basename(container), name);
  }
}

const normal = (file = ''): string => path.posix.normalize(file).replace(/(.)\/$/, '$1');

async function isThere(file: string): Promise<boolean> {
  return (await lstat(file).catch(() => undefined)) !== undefined;
}
