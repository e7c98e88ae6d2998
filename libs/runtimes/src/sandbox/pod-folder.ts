import {
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';

import { MAIN_CONTAINER, type PodManifest } from '#libs/pod-spec';

import type { PodIdentity, PodObservation } from '../contract.js';
import { identityKey } from '../pod-identity.js';
import type { ContainerRole } from '../pod-containers.js';
import type { RootParts } from './pod-root.js';
import { isAlive, type ProcessIdentity } from './process-identity.js';
import { isDiskFull } from './disk-room.js';
import { removeFolder } from './remove-folder.js';
import { isCode } from './system-error.js';

const PRIVATE_FOLDER = 0o700;
const PRIVATE_FILE = 0o600;
/** Holds the room of the record of an end. */
const BLANK_EXIT = `${' '.repeat(127)}\n`;
const UNFINISHED_PREFIX = '.new-';
const REMOVED_PREFIX = '.gone-';

/** A container as it was made: where its files lie, and what it sees. */
export interface ContainerRecord extends RootParts {
  name: string;
  role: ContainerRole;
  /** Below the pod's folder; '' for the only container of a pod, whose files lie in the pod's folder itself. */
  folder: string;
}

/** What is written when a pod is made, and never changed. */
export interface PodRecord {
  identity: PodIdentity;
  manifest: PodManifest;
  /** In the order of the spec, init containers first. */
  containers: ContainerRecord[];
}

/** The init's own record of its beginning. */
export interface Claim extends ProcessIdentity {
  uptimeSeconds: number;
}

/** The init's record of the end. `setup`: it could not be made and never ran; `skipped`: a container on which it depends failed. */
export interface ExitRecord {
  reason: 'exited' | 'terminated' | 'deadline' | 'setup' | 'oom' | 'skipped';
  exitCode: number;
  uptimeSeconds: number;
}

/**
 * The folder of one pod: all that is known of it, so that any later process can take over. Files: `pod.json` (there from the first
 * moment: the folder appears by a rename), `owner.N` (who observes; the highest N counts), `staged` (all inputs are in place),
 * `claim`, `exit` (see the init), `terminate` (grace seconds), `report.json` (the last observation, captured outputs included).
 * Small synchronous calls: a few dozen microseconds each, and nothing may come between them.
 */
export class PodFolder {
  constructor(readonly folder: string) {}

  /** Makes the folder with its record and what `fill` puts there; null where a pod of this identity has one already. */
  static create(
    podsFolder: string,
    record: Pick<PodRecord, 'identity' | 'manifest'>,
    owner: ProcessIdentity,
    fill: (unfinished: string, final: string) => ContainerRecord[],
  ): { folder: PodFolder; record: PodRecord } | null {
    const key = identityKey(record.identity);
    const target = path.join(podsFolder, key);
    if (existsSync(target)) return null;
    const unfinished = path.join(podsFolder, `${UNFINISHED_PREFIX}${owner.pid}-${key}`);
    rmSync(unfinished, { recursive: true, force: true });
    mkdirSync(unfinished, { mode: PRIVATE_FOLDER });
    try {
      const complete: PodRecord = { ...record, containers: fill(unfinished, target) };
      writeFileSync(path.join(unfinished, 'pod.json'), JSON.stringify(complete), { mode: PRIVATE_FILE });
      writeFileSync(path.join(unfinished, 'owner.1'), ownerText(owner), { mode: PRIVATE_FILE });
      for (const folder of new Set(['', ...complete.containers.map((container) => container.folder)]))
        writeFileSync(path.join(unfinished, folder, 'exit'), BLANK_EXIT, { mode: PRIVATE_FILE });
      renameSync(unfinished, target);
      return { folder: new PodFolder(target), record: complete };
    } catch (error) {
      rmSync(unfinished, { recursive: true, force: true });
      if (isCode(error, 'ENOTEMPTY', 'EEXIST')) return null;
      throw error;
    }
  }

  static find(podsFolder: string, identity: PodIdentity): PodFolder | null {
    const folder = path.join(podsFolder, identityKey(identity));
    return existsSync(folder) ? new PodFolder(folder) : null;
  }

  /** All pods of the host, whoever observes them. */
  static all(podsFolder: string): PodFolder[] {
    return readdirSync(podsFolder)
      .filter((name) => !name.startsWith('.'))
      .map((name) => new PodFolder(path.join(podsFolder, name)));
  }

  /** Leftovers of processes that died while they made or removed a folder. */
  static async sweep(podsFolder: string): Promise<void> {
    const left = readdirSync(podsFolder).filter((name) => {
      if (name.startsWith(REMOVED_PREFIX)) return true;
      const pid = /^\.new-(\d+)-/.exec(name)?.[1];
      return pid !== undefined && !existsSync(`/proc/${pid}`);
    });
    await Promise.all(left.map((name) => removeFolder(path.join(podsFolder, name))));
  }

  path(...parts: string[]): string {
    return path.join(this.folder, ...parts);
  }

  /** Null where the folder is not one of ours or is being removed. */
  record(): PodRecord | null {
    const record = this.json<PodRecord>('pod.json');
    // Pods of older versions had `main` alone.
    return record === null || (record.containers as ContainerRecord[] | undefined) !== undefined
      ? record
      : { ...record, containers: [{ name: MAIN_CONTAINER, role: 'main', folder: '', volumes: [] }] };
  }

  /** Takes the pod over where its last owner is dead; true where `owner` observes it now. */
  takeOver(owner: ProcessIdentity): boolean {
    const last = this.owner();
    if (last !== null && last.pid === owner.pid && last.startTime === owner.startTime) return true;
    if (last !== null && isAlive(last)) return false;
    return this.exclusive(`owner.${(last?.turn ?? 0) + 1}`, ownerText(owner));
  }

  /** Whether a living process other than `self` observes the pod. */
  isForeign(self: ProcessIdentity): boolean {
    const last = this.owner();
    return last !== null && (last.pid !== self.pid || last.startTime !== self.startTime) && isAlive(last);
  }

  /** Of the pod, or of one of its containers where a folder is given. */
  claim(folder = ''): Claim | 'unwritten' | null {
    const text = this.text(path.join(folder, 'claim'));
    if (text === null) return null;
    const [pid, startTime, uptime] = text.trim().split(' ');
    if (pid === undefined || startTime === undefined || uptime === undefined) return 'unwritten';
    return { pid: Number(pid), startTime, uptimeSeconds: Number(uptime) };
  }

  /** Claims the pod in the init's stead, so that none ever runs; false where an init was faster. */
  claimWithoutInit(): boolean {
    return this.exclusive('claim', '0 0 0\n');
  }

  /** Of the pod, or of one of its containers where a folder is given. */
  exit(folder = ''): ExitRecord | null {
    const [reason, exitCode, uptime, end] = (this.text(path.join(folder, 'exit')) ?? '').trim().split(' ');
    if (end !== 'end') return null;
    return { reason: reason as ExitRecord['reason'], exitCode: Number(exitCode), uptimeSeconds: Number(uptime) };
  }

  isStaged(): boolean {
    return existsSync(this.path('staged'));
  }

  markStaged(): void {
    writeFileSync(this.path('staged'), '');
  }

  /** On a full disk the pod is asked by the signal alone, with the grace period that it was made with. */
  askToEnd(graceSeconds: number): void {
    try {
      this.replace('terminate', `${graceSeconds}\n`);
    } catch (error) {
      if (!isDiskFull(error)) throw error;
    }
  }

  isAskedToEnd(): boolean {
    return existsSync(this.path('terminate'));
  }

  report(): PodObservation | null {
    return this.json<PodObservation>('report.json');
  }

  saveReport(report: PodObservation): void {
    this.replace('report.json', JSON.stringify(report));
  }

  text(name: string): string | null {
    try {
      return readFileSync(this.path(name), 'utf8');
    } catch (error) {
      if (isCode(error, 'ENOENT', 'ENOTDIR')) return null;
      throw error;
    }
  }

  /** Tells the pod's own first process something, where the pod has several containers; nothing where it has no such process. */
  tell(pipe: string, line: string): void {
    let file: number;
    try {
      // Opened for both directions a pipe never blocks.
      file = openSync(this.path(pipe), constants.O_RDWR | constants.O_NONBLOCK);
    } catch (error) {
      if (isCode(error, 'ENOENT')) return;
      throw error;
    }
    try {
      writeSync(file, `${line}\n`);
    } finally {
      closeSync(file);
    }
  }

  /** Disappears at once for everybody, then frees the disk. */
  async remove(): Promise<void> {
    const gone = path.join(path.dirname(this.folder), `${REMOVED_PREFIX}${process.pid}-${path.basename(this.folder)}`);
    try {
      renameSync(this.folder, gone);
    } catch (error) {
      if (isCode(error, 'ENOENT')) return;
      throw error;
    }
    await removeFolder(gone);
  }

  private owner(): (ProcessIdentity & { turn: number }) | null {
    const turns = this.names()
      .map((name) => /^owner\.(\d+)$/.exec(name)?.[1])
      .filter((turn) => turn !== undefined)
      .map(Number);
    if (turns.length === 0) return null;
    const turn = Math.max(...turns);
    const [pid, startTime] = (this.text(`owner.${turn}`) ?? '').trim().split(' ');
    return { turn, pid: Number(pid), startTime: startTime ?? '' };
  }

  private names(): string[] {
    try {
      return readdirSync(this.folder);
    } catch (error) {
      if (isCode(error, 'ENOENT')) return [];
      throw error;
    }
  }

  private exclusive(name: string, text: string): boolean {
    try {
      writeFileSync(this.path(name), text, { flag: 'wx', mode: PRIVATE_FILE });
      return true;
    } catch (error) {
      if (isCode(error, 'EEXIST', 'ENOENT')) return false;
      // Made, but without its text.
      if (isDiskFull(error)) rmSync(this.path(name), { force: true });
      throw error;
    }
  }

  private replace(name: string, text: string): void {
    const unfinished = this.path(`${name}.${process.pid}`);
    writeFileSync(unfinished, text, { mode: PRIVATE_FILE });
    renameSync(unfinished, this.path(name));
  }

  private json<T>(name: string): T | null {
    const text = this.text(name);
    if (text === null) return null;
    try {
      return JSON.parse(text) as T;
    } catch {
      return null;
    }
  }
}

const ownerText = (owner: ProcessIdentity): string => `${owner.pid} ${owner.startTime}\n`;
