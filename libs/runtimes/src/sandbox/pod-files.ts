import { createReadStream } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import path from 'node:path';

import { outputContainerOf } from '../pod-containers.js';
import type { PodFiles } from '../staging.js';
import { LOG_FILE, SandboxLogTimes } from './log-times.js';
import { mergeFolder } from './merged-folder.js';
import type { ContainerRecord, PodFolder } from './pod-folder.js';
import { PodPaths, type PodView } from './pod-paths.js';
import { isCode } from './system-error.js';

/** The standard output alone, where it is wanted: inside the container's folder. */
export const STDOUT_FILE = 'stdout';

/** The files of a sandbox pod as its output container sees them: folders of the host, used in place. */
export class SandboxPodFiles implements PodFiles {
  private readonly paths: PodPaths;
  private readonly output: ContainerRecord;
  private merged = 0;

  constructor(
    private readonly folder: PodFolder,
    private readonly containers: readonly ContainerRecord[],
    view: (container: ContainerRecord) => PodView,
  ) {
    this.output = outputContainerOf(containers);
    this.paths = new PodPaths(view(this.output));
  }

  /** Host path of a file as it stands now, links followed; null where there is none. */
  presentPath(containerPath: string): string | null {
    return this.paths.existing(containerPath);
  }

  async stagePath(containerPath: string): Promise<string> {
    return this.paths.writable(containerPath);
  }

  async capturedPath(containerPath: string): Promise<string | null> {
    const layers = this.paths.folderLayers(containerPath);
    if (layers === null) return this.paths.existing(containerPath);
    const target = this.folder.path('captured', String((this.merged += 1)), path.basename(layers.podPath));
    await rm(target, { recursive: true, force: true });
    await mergeFolder(layers, target);
    return target;
  }

  async stdoutTail(maxBytes: number): Promise<Buffer> {
    let file;
    try {
      file = await open(this.folder.path(this.output.folder, STDOUT_FILE));
    } catch (error) {
      if (isCode(error, 'ENOENT')) return Buffer.alloc(0);
      throw error;
    }
    try {
      const { size } = await file.stat();
      const length = Math.min(size, maxBytes);
      const buffer = Buffer.alloc(length);
      const { bytesRead } = await file.read(buffer, 0, length, size - length);
      return buffer.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  }

  logTimes(container: string): Iterable<{ endByte: number; atMs: number }> {
    const record = this.containers.find(({ name }) => name === container);
    return record === undefined ? [] : new SandboxLogTimes({ pod: this.folder, folder: record.folder }).all;
  }

  async *readLog(container: string): AsyncIterable<Uint8Array> {
    const record = this.containers.find(({ name }) => name === container);
    if (record === undefined) return;
    const stream = createReadStream(this.folder.path(record.folder, LOG_FILE));
    try {
      for await (const chunk of stream) yield chunk as Uint8Array;
    } catch (error) {
      if (!isCode(error, 'ENOENT')) throw error;
    }
  }
}
