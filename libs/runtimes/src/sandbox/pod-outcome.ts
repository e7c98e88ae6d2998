import path from 'node:path';

import type { ContainerReport } from '../contract.js';
import { absentDetail } from '../end-messages.js';
import { type ContainerEnd, endedReport, NEVER_BEGAN, type PodEndCause, podOutcome, type PodOutcome } from '../pod-ends.js';
import { ABSENT_EXIT } from './init-script.js';
import type { ContainerRecord, ExitRecord, PodFolder, PodRecord } from './pod-folder.js';
import { INIT_LOG } from './pod-process.js';
import { epochMsOfUptime } from './process-identity.js';

const ABSENT_FILE = 'absent';
const KILLED = 137;
const CAUSES: Partial<Record<ExitRecord['reason'], PodEndCause>> = { deadline: 'deadline', terminated: 'terminated' };

/** How a pod ended, from what the inits of its containers recorded. */
export function sandboxOutcome(folder: PodFolder, { containers }: PodRecord, podExit: ExitRecord): PodOutcome {
  const exits = containers.map((record) => ({ record, exit: exitOf(folder, record, podExit) }));
  const broken = exits.find(({ exit }) => exit.reason === 'setup');
  if (broken !== undefined) {
    const message = `the pod could not be set up: ${setupDetail(folder, broken.record)}`;
    const began = hasMainBegun(folder, { containers });
    const outcome = { exitCode: broken.exit.exitCode, message, infrastructure: true, neverRan: true };
    return began ? outcome : { ...outcome, neverBegan: NEVER_BEGAN.setup };
  }
  const ends = exits.map(({ record, exit }) => endOf(folder, record, exit));
  return podOutcome(ends, CAUSES[podExit.reason] ?? 'itself');
}

/** The main containers of a set, each as it stands now. */
export function containerReports(folder: PodFolder, record: PodRecord, nowMs: number): ContainerReport[] {
  return record.containers
    .filter(({ role }) => role === 'main')
    .map((container): ContainerReport => {
      const claim = folder.claim(container.folder);
      const exit = folder.exit(container.folder);
      const started = claim !== null && claim !== 'unwritten' && claim.pid !== 0;
      const state: ContainerReport =
        exit === null
          ? { name: container.name, phase: started ? 'Running' : 'Pending' }
          : endedReport(endOf(folder, container, exit));
      return {
        ...state,
        ...(started ? { startedAtMs: epochMsOfUptime(claim.uptimeSeconds, nowMs) } : {}),
        ...(exit === null ? {} : { finishedAtMs: epochMsOfUptime(exit.uptimeSeconds, nowMs) }),
      };
    });
}

/** Whether the program of a main container may have begun: its init has claimed it and did not fail before the program. */
export function hasMainBegun(folder: PodFolder, { containers }: Pick<PodRecord, 'containers'>): boolean {
  return containers
    .filter(({ role }) => role === 'main')
    .some(({ folder: place }) => {
      const claim = folder.claim(place);
      const isClaimed = claim === 'unwritten' || (claim !== null && claim.pid !== 0);
      return isClaimed && folder.exit(place)?.reason !== 'setup';
    });
}

/** A container without a record of its end was killed together with the pod. */
function exitOf(folder: PodFolder, record: ContainerRecord, podExit: ExitRecord): ExitRecord {
  if (record.folder === '') return podExit;
  return folder.exit(record.folder) ?? { reason: 'exited', exitCode: KILLED, uptimeSeconds: podExit.uptimeSeconds };
}

function endOf(folder: PodFolder, { name, role, folder: place }: ContainerRecord, exit: ExitRecord): ContainerEnd {
  const absent = exit.exitCode === ABSENT_EXIT ? folder.text(path.join(place, ABSENT_FILE)) : null;
  return {
    name,
    role,
    exitCode: exit.exitCode,
    reason: exit.reason === 'oom' ? 'OOMKilled' : 'Error',
    detail: absent === null ? '' : absentDetail(absent.trim()),
  };
}

function setupDetail(folder: PodFolder, record: ContainerRecord): string {
  return (folder.text(path.join(record.folder, INIT_LOG)) ?? '').trim().split('\n').slice(-3).join('; ');
}
