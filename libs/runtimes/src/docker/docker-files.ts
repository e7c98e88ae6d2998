import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Readable } from 'node:stream';

import type Docker from 'dockerode';

import { UserError } from '#libs/workflow-spec';

import { RuntimeUnavailableError } from '../errors.js';
import type { PodFiles } from '../staging.js';
import { ask, messageOf, statusOf } from './docker-connection.js';
import { logFrames } from './docker-log.js';
import { packPaths, unpackInto } from './tar-archive.js';

const MAX_LINKS = 10;

/**
 * The files of a container: staged in a folder of the host and put into the container in one archive (`deliver`), captured by
 * taking them out into that folder. `clear` removes the folder.
 */
export class DockerPodFiles implements PodFiles {
  private readonly staged = new Set<string>();
  private captures = 0;

  constructor(
    private readonly container: Docker.Container,
    private readonly folder: string,
    /** A container of the pod by its name; null where there is none. */
    private readonly member: (name: string) => Promise<Docker.Container | null> = async () => container,
  ) {}

  async stagePath(containerPath: string): Promise<string> {
    const wanted = absolute(containerPath);
    const file = path.join(this.folder, 'in', wanted);
    await mkdir(path.dirname(file), { recursive: true });
    this.staged.add(wanted);
    return file;
  }

  /** Puts all that was staged into the container, which must not have been started. */
  async deliver(): Promise<void> {
    if (this.staged.size === 0) return;
    const archive = packPaths(path.join(this.folder, 'in'), [...this.staged]);
    await ask(() => this.container.putArchive(archive, { path: '/' }));
  }

  async capturedPath(containerPath: string): Promise<string | null> {
    let wanted = absolute(containerPath);
    for (let links = 0; links < MAX_LINKS; links += 1) {
      const target = path.join(this.folder, 'out', String((this.captures += 1)));
      await mkdir(target, { recursive: true });
      const archive = await this.archiveOf(wanted);
      if (archive === null) return null;
      const link = await unpackInto(archive, target, path.posix.basename(wanted));
      if (link === null) return path.join(target, path.posix.basename(wanted));
      wanted = path.posix.resolve(path.posix.dirname(wanted), link);
    }
    throw new UserError(`${containerPath}: too many levels of symbolic links`);
  }

  async stdoutTail(maxBytes: number): Promise<Buffer> {
    let tail = Buffer.alloc(0);
    for await (const frame of logFrames(await this.log(true), await hasTerminal(this.container)))
      tail = Buffer.concat([tail, frame.data]).subarray(-maxBytes);
    return tail;
  }

  async *readLog(container: string): AsyncIterable<Uint8Array> {
    const found = await this.member(container);
    if (found === null) return;
    for await (const frame of logFrames(await this.log(false, found), await hasTerminal(found))) yield frame.data;
  }

  async clear(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }

  private async archiveOf(containerPath: string): Promise<Readable | null> {
    try {
      return (await this.container.getArchive({ path: containerPath })) as Readable;
    } catch (error) {
      if (statusOf(error) === 404) return null;
      throw new RuntimeUnavailableError(`docker: ${messageOf(error)}`, { cause: error });
    }
  }

  private async log(stdoutOnly: boolean, container = this.container): Promise<AsyncIterable<Buffer>> {
    // With `follow` the client gives a stream; an ended container's log ends by itself.
    return ask(
      async () => (await container.logs({ follow: true, stdout: true, stderr: !stdoutOnly })) as unknown as AsyncIterable<Buffer>,
    );
  }
}

/** Whether a container has a terminal: its log then has no frames. */
export async function hasTerminal(container: Docker.Container): Promise<boolean> {
  return (await ask(() => container.inspect())).Config.Tty === true;
}

function absolute(containerPath: string): string {
  if (!containerPath.startsWith('/')) throw new UserError(`${containerPath}: the path must be absolute`);
  return path.posix.normalize(containerPath).replace(/(.)\/+$/, '$1');
}
