import { readFileSync } from 'node:fs';

/** A process that cannot be mistaken for a later one with the same number. */
export interface ProcessIdentity {
  pid: number;
  /** Clock ticks since boot, field 22 of /proc/PID/stat. */
  startTime: string;
}

const START_TIME_AFTER_COMMAND = 19;

/** The start time of a process, or null where there is none. A zombie counts as none. */
export function startTimeOf(pid: number): string | null {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return null;
  }
  // The command stands in brackets and may hold anything; all fields after it are plain.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' || fields[0] === 'X' ? null : (fields[START_TIME_AFTER_COMMAND] ?? null);
}

/** Whether exactly this process still runs. */
export function isAlive(process: ProcessIdentity): boolean {
  return startTimeOf(process.pid) === process.startTime;
}

/** Sends a signal to exactly this process; does nothing where it is gone. */
export function signal(target: ProcessIdentity, name: NodeJS.Signals): void {
  if (!isAlive(target)) return;
  try {
    process.kill(target.pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** This process. */
export function ownIdentity(): ProcessIdentity {
  return { pid: process.pid, startTime: startTimeOf(process.pid) ?? '0' };
}

/** Seconds since boot, as the init of a pod reads them. */
export function uptimeSeconds(): number {
  return Number(readFileSync('/proc/uptime', 'latin1').split(' ')[0]);
}

/** Milliseconds since the epoch of a moment given in seconds since boot, as /proc/uptime counts them. */
export function epochMsOfUptime(momentSeconds: number, nowMs: number): number {
  return Math.round(nowMs - (uptimeSeconds() - momentSeconds) * 1000);
}
