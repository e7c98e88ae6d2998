import { readdirSync, readFileSync } from 'node:fs';
import { commandLine, ownMegabytes, peakRssMegabytes } from './process-figures.js';

/** What the container `wait` took at most. Megabytes of 10⁶ bytes. */
export interface ExecutorMemory {
  /** Of its cgroup, as the system remembers it: all processes, and files that it was the first to read. */
  cgroupPeakMb: number;
  /** The largest resident set of the executor's program, with the pages of Node itself, which all pods of a node share. */
  programPeakRssMb: number;
  /** Of it what is the program's own. */
  programOwnMb: number;
}

const PROGRAM = /^node .*\/services\/executor\/src\/main\.js wait/;
const POLL_MS = 10;

/** Looks at the containers `wait` of this machine, which must be the node, while `work` goes on. Undefined where none was seen. */
export const watchExecutor = async (work: () => Promise<unknown>): Promise<ExecutorMemory | undefined> => {
  const most: ExecutorMemory = { cgroupPeakMb: 0, programPeakRssMb: 0, programOwnMb: 0 };
  const timer = setInterval(() => look(most), POLL_MS);
  try {
    await work();
  } finally {
    clearInterval(timer);
  }
  return most.programPeakRssMb === 0 ? undefined : most;
};

const look = (most: ExecutorMemory): void => {
  for (const entry of readdirSync('/proc')) {
    const pid = Number(entry);
    if (!(pid > 0) || !PROGRAM.test(commandLine(pid))) continue;
    most.cgroupPeakMb = Math.max(most.cgroupPeakMb, cgroupPeakMegabytes(pid));
    most.programPeakRssMb = Math.max(most.programPeakRssMb, peakRssMegabytes(pid));
    most.programOwnMb = Math.max(most.programOwnMb, ownMegabytes(pid));
  }
};

/** Of the cgroup that a process is in, by the first or second version of cgroups. */
const cgroupPeakMegabytes = (pid: number): number => {
  try {
    const lines = readFileSync(`/proc/${pid}/cgroup`, 'utf8').split('\n');
    const first = lines.find((line) => line.includes(':memory:'))?.split(':')[2];
    const second = lines.find((line) => line.startsWith('0::'))?.slice(3);
    const file =
      first === undefined
        ? `/sys/fs/cgroup${second ?? ''}/memory.peak`
        : `/sys/fs/cgroup/memory${first}/memory.max_usage_in_bytes`;
    return Number(readFileSync(file, 'utf8')) / 1e6;
  } catch {
    return 0;
  }
};
