import type { BenchRun } from './bench-run.js';
import { until } from './bench-run.js';
import type { Figure } from './figures.js';
import { type Fleet, startFleet } from './fleet.js';
import { oneStep, submit } from './workflows.js';

const PER_MINUTE = 2_000;
const WORKFLOWS = 1_000;
const WARM_UP = 100;
const LIMIT_MS = 180_000;

interface Measured {
  medianMs: number;
  p95Ms: number;
  perMinute: number;
}

/** Submits at an even rate, whatever the answers take. */
const submitEvenly = async ({ url }: Fleet, count: number): Promise<void> => {
  const startedMs = performance.now();
  const answers: Promise<unknown>[] = [];
  for (let index = 0; index < count; index += 1) {
    const dueMs = startedMs + (index * 60_000) / PER_MINUTE;
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, dueMs - performance.now())));
    answers.push(submit(url, oneStep()));
  }
  await Promise.all(answers);
};

const done = async ({ store }: Fleet): Promise<number> => {
  const rows = await store.database.run<{ count: number }>({
    text: `SELECT count(*)::integer AS count FROM workflow_state s
      WHERE completed AND NOT EXISTS (SELECT 1 FROM handoffs h WHERE h.queue = 'archive' AND h.workflow = s.uid)`,
  });
  return rows[0]?.count ?? 0;
};

/** From the row of a workflow to the commit that ended it: what the scheduler takes, beside a pod that ends at once. */
const latencies = async ({ store }: Fleet): Promise<{ medianMs: number; p95Ms: number }> => {
  const rows = await store.database.run<{ medianMs: number; p95Ms: number }>({
    text: `SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY took) AS "medianMs", percentile_cont(0.95) WITHIN GROUP (ORDER BY took) AS "p95Ms"
      FROM (SELECT (s.updated_at_ms - w.created_at_ms)::float8 AS took FROM workflow_state s JOIN workflows w ON w.uid = s.uid
        WHERE s.completed ORDER BY w.created_at_ms DESC LIMIT ${WORKFLOWS}) t`,
  });
  return rows[0] ?? { medianMs: NaN, p95Ms: NaN };
};

const measure = async (run: BenchRun, name: string, archive: boolean): Promise<Measured> => {
  const fleet = await startFleet(run, { schedulers: 1, podManagers: 1, environment: { ARCHIVE: String(archive) } }, name);
  await submitEvenly(fleet, WARM_UP);
  await until('the first have ended', async () => (await done(fleet)) >= WARM_UP, { limitMs: LIMIT_MS });
  const startedMs = performance.now();
  await submitEvenly(fleet, WORKFLOWS);
  await until(`${WORKFLOWS} have ended`, async () => (await done(fleet)) >= WARM_UP + WORKFLOWS, { limitMs: LIMIT_MS });
  const perMinute = (WORKFLOWS / (performance.now() - startedMs)) * 60_000;
  const measured = { ...(await latencies(fleet)), perMinute };
  await fleet.stop();
  return measured;
};

/** 2,000 workflows a minute, once without an archive and once with: what archiving costs the scheduler. */
export const measureArchiving = async (run: BenchRun): Promise<Figure[]> => {
  const bench = 'archiving';
  const without = await measure(run, 'without-archive', false);
  const archived = await measure(run, 'with-archive', true);
  return [
    {
      bench,
      figure: 'archived, of 2,000 submitted a minute',
      value: archived.perMinute,
      unit: '/min',
      goal: { atLeast: PER_MINUTE * 0.95 },
    },
    { bench, figure: 'latency without an archive, median', value: without.medianMs, unit: 'ms' },
    { bench, figure: 'latency with an archive, median', value: archived.medianMs, unit: 'ms' },
    { bench, figure: 'latency without an archive, p95', value: without.p95Ms, unit: 'ms' },
    { bench, figure: 'latency with an archive, p95', value: archived.p95Ms, unit: 'ms' },
    { bench, figure: 'median with / without', value: archived.medianMs / without.medianMs, unit: '×', goal: { atMost: 1.1 } },
  ];
};
