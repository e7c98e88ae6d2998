import type { BenchRun } from './bench-run.js';
import { until } from './bench-run.js';
import type { Figure } from './figures.js';
import { type Fleet, type FleetSize, startFleet } from './fleet.js';
import { oneStep, submit, wide } from './workflows.js';

const BURST = 500;
const WARM_UP = 50;
const SUBMITTERS = 16;
const LIMIT_MS = 300_000;

/** Workflows that ended well and are in the archive. */
const archivedCount = async ({ store }: Fleet): Promise<number> => {
  const rows = await store.database.run<{ count: number }>({
    text: 'SELECT count(*)::integer AS count FROM archive_marks WHERE archived',
  });
  return rows[0]?.count ?? 0;
};

const statementFigures = async ({ store }: Fleet): Promise<{ commits: number; walBytes: number }> => {
  const rows = await store.database.run<{ commits: number; wal: number }>({
    text: `SELECT (SELECT xact_commit FROM pg_stat_database WHERE datname = current_database())::float8 AS commits, (SELECT wal_bytes FROM pg_stat_wal)::float8 AS wal`,
  });
  return { commits: rows[0]?.commits ?? 0, walBytes: rows[0]?.wal ?? 0 };
};

const burst = async (fleet: Fleet, count: number): Promise<number> => {
  const before = await archivedCount(fleet);
  const startedMs = performance.now();
  let begun = 0;
  const submitter = async (): Promise<void> => {
    while (begun < count) {
      begun += 1;
      await submit(fleet.url, oneStep());
    }
  };
  await Promise.all(Array.from({ length: SUBMITTERS }, submitter));
  await until(`${count} workflows are archived`, async () => (await archivedCount(fleet)) >= before + count, {
    limitMs: LIMIT_MS,
  });
  return performance.now() - startedMs;
};

const cpuFigures = (
  bench: string,
  used: { before: Record<string, number>; after: Record<string, number> },
  per: number,
): Figure[] =>
  Object.entries(used.after).map(([program, seconds]) => ({
    bench,
    figure: `CPU of ${program}, each workflow`,
    value: ((seconds - (used.before[program] ?? 0)) * 1000) / per,
    unit: 'ms',
  }));

const burstOn = async (run: BenchRun, bench: string, size: FleetSize): Promise<Figure[]> => {
  const fleet = await startFleet(run, size, bench);
  await burst(fleet, WARM_UP);
  const before = fleet.cpuByProgram();
  const statements = await statementFigures(fleet);
  const tookMs = await burst(fleet, BURST);
  const used = { before, after: fleet.cpuByProgram() };
  const after = await statementFigures(fleet);
  await fleet.stop();
  return [
    {
      bench,
      figure: 'first submit to last archived',
      value: BURST / (tookMs / 1000),
      unit: 'workflows/s',
      ...(bench === 'burst' ? { goal: { atLeast: 60 } } : {}),
    },
    { bench, figure: 'commits, each workflow', value: (after.commits - statements.commits) / BURST, unit: '' },
    { bench, figure: 'WAL, each workflow', value: (after.walBytes - statements.walBytes) / BURST / 1000, unit: 'kB' },
    ...cpuFigures(bench, used, BURST),
  ];
};

/** 500 workflows at once on one scheduler and one pod-manager, then on two of each: the ratio is of one run of the benchmark. */
export const measureBurst = async (run: BenchRun): Promise<Figure[]> => {
  const one = await burstOn(run, 'burst', { schedulers: 1, podManagers: 1 });
  const two = await burstOn(run, 'burst-2', { schedulers: 2, podManagers: 2 });
  const ratio = (two[0]?.value ?? 0) / (one[0]?.value ?? 1);
  return [
    ...one,
    ...two,
    { bench: 'burst-2', figure: 'rate of two of each / one', value: ratio, unit: '×', goal: { atLeast: 0.9 } },
  ];
};

export const measureBurstOfOne = (run: BenchRun): Promise<Figure[]> => burstOn(run, 'burst', { schedulers: 1, podManagers: 1 });

const timeWide = async (fleet: Fleet, nodes: number): Promise<number> => {
  const startedMs = performance.now();
  const name = await submit(fleet.url, wide(nodes));
  const isDone = async (): Promise<boolean> => {
    const rows = await fleet.store.database.run<{ phase: string }>({
      text: 'SELECT s.phase FROM workflow_state s JOIN workflows w ON w.uid = s.uid WHERE w.name = $1 AND s.completed',
      values: [name],
    });
    const phase = rows[0]?.phase;
    if (phase !== undefined && phase !== 'Succeeded') throw new Error(`${name} is ${phase}`);
    return phase !== undefined;
  };
  await until(`the workflow of ${nodes} nodes ends`, isDone, { limitMs: LIMIT_MS, everyMs: 100 });
  return performance.now() - startedMs;
};

/** One workflow with 2,000 and one with 20,000 nodes, one after the other on the same programs. */
export const measureLargeWorkflow = async (run: BenchRun): Promise<Figure[]> => {
  const bench = 'large';
  const fleet = await startFleet(run, { schedulers: 1, podManagers: 1 }, bench);
  await timeWide(fleet, 200);
  const smallMs = await timeWide(fleet, 2_000);
  const before = fleet.cpuByProgram();
  const statements = await statementFigures(fleet);
  const largeMs = await timeWide(fleet, 20_000);
  const used = { before, after: fleet.cpuByProgram() };
  const after = await statementFigures(fleet);
  const rssMb = fleet.schedulerPeakRssMb();
  await fleet.stop();
  return [
    { bench, figure: '2,000 nodes', value: smallMs / 1000, unit: 's' },
    { bench, figure: '20,000 nodes', value: largeMs / 1000, unit: 's' },
    { bench, figure: 'time of 20,000 / 2,000 nodes', value: largeMs / smallMs, unit: '×', goal: { atMost: 12 } },
    { bench, figure: 'scheduler, peak resident set', value: rssMb, unit: 'MB', goal: { atMost: 400 } },
    { bench, figure: 'commits', value: after.commits - statements.commits, unit: '' },
    { bench, figure: 'WAL', value: (after.walBytes - statements.walBytes) / 1e6, unit: 'MB' },
    ...Object.entries(used.after).map(([program, seconds]) => ({
      bench,
      figure: `CPU of ${program}, 20,000 nodes`,
      value: seconds - (used.before[program] ?? 0),
      unit: 's',
    })),
  ];
};
