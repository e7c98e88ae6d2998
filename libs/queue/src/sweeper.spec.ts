import { describe, expect, it } from 'vitest';

import { WorkflowJob } from '#libs/jobs';
import { RecordingJobQueue } from '#libs/testing';

import { type DueRow, Sweeper, type SweeperOptions, type SweepLease } from './sweeper.js';
import { silentLogger } from './telemetry.js';

type Payload = { workflow: string };

const free: SweepLease = { run: (_name, work) => work() };

const row = (workflow: string, progress = 'v1'): DueRow<Payload> => ({ key: workflow, payload: { workflow }, progress });

function sweeperOver(rows: () => DueRow<Payload>[], overrides: Partial<SweeperOptions<Payload>> = {}) {
  const queue = new RecordingJobQueue();
  const asked: { afterKey: string | undefined; dueBeforeMs: number }[] = [];
  const page = async (afterKey: string | undefined, dueBeforeMs: number): Promise<DueRow<Payload>[]> => {
    asked.push({ afterKey, dueBeforeMs });
    return rows()
      .filter(({ key }) => afterKey === undefined || key > afterKey)
      .slice(0, 2);
  };
  const sweeper = new Sweeper({
    job: WorkflowJob,
    queue,
    lease: free,
    page,
    clock: { nowMs: () => 100_000 },
    logger: silentLogger,
    ...overrides,
  });
  return { queue, asked, sweeper };
}

describe('Sweeper', () => {
  it('wakes every overdue row, page by page', async () => {
    const { sweeper, queue, asked } = sweeperOver(() => ['a', 'b', 'c'].map((key) => row(key)));
    expect(await sweeper.sweep()).toBe(3);
    expect(queue.wokenFor(WorkflowJob).map(({ workflow }) => workflow)).toEqual(['a', 'b', 'c']);
    expect(asked.map(({ afterKey }) => afterKey)).toEqual([undefined, 'b', 'c']);
  });

  it('asks only for rows that are overdue by at least 5 s', async () => {
    const { sweeper, asked } = sweeperOver(() => []);
    await sweeper.sweep();
    expect(asked).toEqual([{ afterKey: undefined, dueBeforeMs: 95_000 }]);
  });

  it('wakes a row afresh after two sweeps that changed nothing, and as usual once it has moved', async () => {
    let progress = 'v1';
    const { sweeper, queue } = sweeperOver(() => [row('a', progress)]);
    for (let sweep = 0; sweep < 3; sweep += 1) await sweeper.sweep();
    progress = 'v2';
    await sweeper.sweep();
    expect(queue.wakes.map(({ afresh }) => afresh ?? false)).toEqual([false, false, true, false]);
  });

  it('does nothing while another process holds the lease', async () => {
    const { sweeper, queue } = sweeperOver(() => [row('a')], { lease: { run: async () => undefined } });
    expect(await sweeper.sweep()).toBe(0);
    expect(queue.wakes).toEqual([]);
  });

  it('survives a database that is away, and sweeps on', async () => {
    let away = true;
    const { sweeper } = sweeperOver(() => {
      if (away) throw new Error('connection refused');
      return [row('a')];
    });
    expect(await sweeper.sweep()).toBe(0);
    away = false;
    expect(await sweeper.sweep()).toBe(1);
  });

  it('never sweeps twice at once', async () => {
    const { sweeper, asked } = sweeperOver(() => []);
    await Promise.all([sweeper.sweep(), sweeper.sweep()]);
    expect(asked).toHaveLength(1);
  });
});
