import { readdirSync, readFileSync } from 'node:fs';

/** Clock ticks a second in /proc, the same on every Linux that Node supports. */
const TICKS_PER_SECOND = 100;

const read = (file: string): string => {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
};

const kilobytes = (text: string, field: string): number =>
  Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0);

/** Fields of /proc/PID/stat from the third on; the second, the name, may hold anything. */
const statFields = (pid: number): string[] => {
  const text = read(`/proc/${pid}/stat`);
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
};

/** A process and all below it, as far as they live. */
export const processTree = (root: number): number[] => {
  const children = new Map<number, number[]>();
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const parent = Number(statFields(Number(entry))[1]);
    children.set(parent, [...(children.get(parent) ?? []), Number(entry)]);
  }
  const below = (pid: number): number[] => [pid, ...(children.get(pid) ?? []).flatMap(below)];
  return below(root);
};

/** Seconds of processor time that these have used so far, of children that ended included. */
export const cpuSeconds = (pids: readonly number[]): number =>
  pids.reduce((sum, pid) => {
    const fields = statFields(pid);
    return sum + [11, 12].reduce((ticks, index) => ticks + Number(fields[index] ?? 0), 0) / TICKS_PER_SECOND;
  }, 0);

/** Proportional set size: shared pages count once among those that share them. Megabytes of 10⁶ bytes. */
export const pssMegabytes = (pids: readonly number[]): number =>
  pids.reduce((sum, pid) => sum + kilobytes(read(`/proc/${pid}/smaps_rollup`), 'Pss') * 1024, 0) / 1e6;

/** The largest resident set that the process ever had. Megabytes of 10⁶ bytes. */
export const peakRssMegabytes = (pid: number): number => (kilobytes(read(`/proc/${pid}/status`), 'VmHWM') * 1024) / 1e6;

/** Of the resident set what is no page of a file. Megabytes of 10⁶ bytes. */
export const ownMegabytes = (pid: number): number => (kilobytes(read(`/proc/${pid}/status`), 'RssAnon') * 1024) / 1e6;

/** The command line as the process shows it; Postgres names each connection's user and database there. */
export const commandLine = (pid: number): string => read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim();
