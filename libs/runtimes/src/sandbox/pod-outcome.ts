import path from 'node:path';

import type { ContainerReport } from '../contract.js';
import { absentDetail, containerMessage, DEADLINE_MESSAGE, exitMessage, isSidecarFailure } from '../end-messages.js';
import { outputContainerOf } from '../pod-containers.js';
import { ABSENT_EXIT } from './init-script.js';
import type { ContainerRecord, ExitRecord, PodFolder, PodRecord } from './pod-folder.js';
import { INIT_LOG } from './pod-process.js';
import { epochMsOfUptime } from './process-identity.js';

const ABSENT_FILE = 'absent';
const KILLED = 137;

/** How a pod ended, all its containers taken together. */
export interface PodOutcome {
  exitCode: number;
  /** Absent where it ended well. */
  message?: string;
  /** It is no failure of the user's own main containers. */
  infrastructure?: boolean;
  /** Nothing ran, so nothing can be captured. */
  neverRan?: boolean;
}

interface ContainerEnd {
  record: ContainerRecord;
  exit: ExitRecord;
  message?: string;
}

/** What Argo would say of the pod: init containers first, then the mains in their order, then the others. */
export function podOutcome(folder: PodFolder, { containers }: PodRecord, podExit: ExitRecord): PodOutcome {
  const ends = containers.map((record) => endOf(folder, record, podExit));
  const output = outputContainerOf(containers);
  const exitCode = ends.find(({ record }) => record === output)?.exit.exitCode ?? podExit.exitCode;
  const broken = ends.find(({ exit }) => exit.reason === 'setup');
  if (broken !== undefined) {
    const message = `the pod could not be set up: ${setupDetail(folder, broken.record)}`;
    return { exitCode, message, infrastructure: true, neverRan: true };
  }
  if (podExit.reason === 'deadline') return { exitCode, message: DEADLINE_MESSAGE };
  const failedInit = ends.find(({ record, exit }) => record.role === 'init' && exit.exitCode !== 0);
  if (failedInit?.message !== undefined) {
    return { exitCode, message: failedInit.message, infrastructure: podExit.reason === 'exited', neverRan: true };
  }
  const failed =
    ends.find(({ record, exit }) => record.role === 'main' && exit.exitCode !== 0) ??
    ends.find(({ record, exit }) => record.role === 'sidecar' && isSidecarFailure(exit.exitCode));
  return failed?.message === undefined ? { exitCode } : { exitCode, message: failed.message };
}

/** The main containers of a set, each as it stands now. */
export function containerReports(folder: PodFolder, record: PodRecord, nowMs: number): ContainerReport[] {
  return record.containers
    .filter(({ role }) => role === 'main')
    .map((container): ContainerReport => {
      const claim = folder.claim(container.folder);
      const exit = folder.exit(container.folder);
      const started = claim !== null && claim !== 'unwritten' && claim.pid !== 0;
      const facts = {
        name: container.name,
        ...(started ? { startedAtMs: epochMsOfUptime(claim.uptimeSeconds, nowMs) } : {}),
        ...(exit === null ? {} : { finishedAtMs: epochMsOfUptime(exit.uptimeSeconds, nowMs) }),
      };
      if (exit === null) return { ...facts, phase: started ? 'Running' : 'Pending' };
      if (exit.exitCode === 0) return { ...facts, phase: 'Succeeded', exitCode: 0 };
      const message = containerMessage(exit.exitCode, reasonOf(exit), detailOf(folder, container, exit));
      return { ...facts, phase: 'Failed', exitCode: exit.exitCode, message };
    });
}

function endOf(folder: PodFolder, record: ContainerRecord, podExit: ExitRecord): ContainerEnd {
  const found = record.folder === '' ? podExit : folder.exit(record.folder);
  const exit = found ?? { reason: 'exited', exitCode: KILLED, uptimeSeconds: podExit.uptimeSeconds };
  if (exit.exitCode === 0) return { record, exit };
  const detail = detailOf(folder, record, exit);
  const message = exitMessage(exit.exitCode, reasonOf(exit), record.name);
  return { record, exit, message: detail === '' ? message : `${message}: ${detail}` };
}

const reasonOf = ({ reason }: ExitRecord): string => (reason === 'oom' ? 'OOMKilled' : 'Error');

function detailOf(folder: PodFolder, record: ContainerRecord, exit: ExitRecord): string {
  const absent = exit.exitCode === ABSENT_EXIT ? folder.text(path.join(record.folder, ABSENT_FILE)) : null;
  return absent === null ? '' : absentDetail(absent.trim());
}

function setupDetail(folder: PodFolder, record: ContainerRecord): string {
  return (folder.text(path.join(record.folder, INIT_LOG)) ?? '').trim().split('\n').slice(-3).join('; ');
}
