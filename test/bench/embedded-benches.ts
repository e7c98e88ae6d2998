import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { type BenchRun, until } from './bench-run.js';
import { startEmbedded } from './embedded-program.js';
import type { Figure } from './figures.js';
import { commandLine, cpuSeconds, processTree, pssMegabytes } from './process-figures.js';
import { oneStep, phaseOf, sequentialSteps, submit } from './workflows.js';

const LIMIT_MS = 60_000;
const STEPS = 40;
const RUNS = 3;
const SETTLE_MS = 10_000;
const IDLE_MS = 25_000;

const median = (values: readonly number[]): number =>
  [...values].sort((left, right) => left - right)[Math.floor(values.length / 2)] ?? 0;

const folderOf = (run: BenchRun, name: string): string => {
  const folder = path.join(run.folder, name);
  mkdirSync(folder, { recursive: true, mode: 0o711 });
  return folder;
};

const timeOf = async (url: string, submitted: ReturnType<typeof oneStep>): Promise<number> => {
  const startedMs = performance.now();
  const name = await submit(url, submitted);
  let phase = '';
  const isDone = async (): Promise<boolean> => {
    phase = await phaseOf(url, name);
    return phase !== '' && phase !== 'Running' && phase !== 'Pending';
  };
  await until(`${name} ends`, isDone, { limitMs: LIMIT_MS, everyMs: 25 });
  if (phase !== 'Succeeded') throw new Error(`${name} is ${phase}`);
  return performance.now() - startedMs;
};

/** 40 steps one after the other, each a pod of the sandbox that runs `true`. The median of three, after one that warms up. */
export const measureSequentialSteps = async (run: BenchRun): Promise<Figure[]> => {
  const bench = 'sequential';
  const program = await startEmbedded(run, { dataDir: folderOf(run, bench), runtime: 'sandbox' });
  await timeOf(program.url, sequentialSteps(STEPS));
  const times: number[] = [];
  const cpuBefore = cpuSeconds(processTree(program.pid));
  for (let count = 0; count < RUNS; count += 1) times.push(await timeOf(program.url, sequentialSteps(STEPS)));
  const cpu = cpuSeconds(processTree(program.pid)) - cpuBefore;
  await program.stop();
  return [
    { bench, figure: '40 steps in the sandbox', value: median(times) / 1000, unit: 's', goal: { atMost: 2.5 } },
    { bench, figure: 'fastest', value: Math.min(...times) / 1000, unit: 's' },
    { bench, figure: 'CPU of the stack, each run', value: cpu / RUNS, unit: 's' },
  ];
};

/** The embedded stack on the data of a former one: how fast it starts, and what it takes while nothing happens. */
export const measureIdle = async (run: BenchRun): Promise<Figure[]> => {
  const dataDir = folderOf(run, 'idle');
  const first = await startEmbedded(run, { dataDir, runtime: 'simulated' });
  await timeOf(first.url, oneStep());
  await first.stop();
  const starts: number[] = [];
  for (let count = 0; count < RUNS - 1; count += 1) {
    const again = await startEmbedded(run, { dataDir, runtime: 'simulated' });
    starts.push(again.startMs);
    await again.stop();
  }
  const program = await startEmbedded(run, { dataDir, runtime: 'simulated' });
  starts.push(program.startMs);
  await timeOf(program.url, oneStep());
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  const before = processTree(program.pid);
  const cpuBefore = cpuSeconds(before);
  await new Promise((resolve) => setTimeout(resolve, IDLE_MS));
  const tree = processTree(program.pid);
  const cpu = cpuSeconds(tree) - cpuBefore;
  const pss = pssMegabytes(tree);
  const node = pssMegabytes([program.pid]);
  const connections = tree.filter((pid) => /^postgres: .*\[local\]/.test(commandLine(pid))).length;
  await program.stop();
  return [
    { bench: 'start', figure: 'first answer on existing data', value: median(starts) / 1000, unit: 's', goal: { atMost: 3 } },
    { bench: 'start', figure: 'first start, new data', value: first.startMs / 1000, unit: 's' },
    { bench: 'idle', figure: 'memory (PSS) of all processes', value: pss, unit: 'MB', goal: { atMost: 250 } },
    { bench: 'idle', figure: 'of it the Node process', value: node, unit: 'MB' },
    { bench: 'idle', figure: 'database connections', value: connections, unit: '', goal: { atMost: 15 } },
    { bench: 'idle', figure: 'of one core', value: (cpu / (IDLE_MS / 1000)) * 100, unit: '%', goal: { atMost: 2 } },
  ];
};
