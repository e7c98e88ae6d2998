import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { PeriodicTask, type PeriodicTaskOptions } from './periodic-task.js';

const SECOND_MS = 1_000;

function taskOf(run: () => Promise<unknown>, options: Partial<PeriodicTaskOptions> = {}) {
  const logged: { level: string; fields?: Record<string, unknown> | undefined }[] = [];
  const logger = {
    debug: (_message: string, fields?: Record<string, unknown>) => void logged.push({ level: 'debug', fields }),
    warn: (_message: string, fields?: Record<string, unknown>) => void logged.push({ level: 'warn', fields }),
  };
  return { task: new PeriodicTask({ name: 'tidy', intervalMs: SECOND_MS, run, logger, ...options }), logged };
}

/** Work that ends when it is told to. */
function heldWork() {
  const ends: (() => void)[] = [];
  return { work: () => new Promise<void>((resolve) => ends.push(resolve)), ends };
}

describe('PeriodicTask', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('runs after each interval, and not at the start unless it is asked to', async () => {
    const [later, atOnce] = [vi.fn(async () => undefined), vi.fn(async () => undefined)];
    const tasks = [taskOf(later).task, taskOf(atOnce, { atStart: true }).task];
    for (const task of tasks) task.start();
    expect([later.mock.calls.length, atOnce.mock.calls.length]).toEqual([0, 1]);
    await vi.advanceTimersByTimeAsync(2 * SECOND_MS);
    expect([later.mock.calls.length, atOnce.mock.calls.length]).toEqual([2, 3]);
    for (const task of tasks) await task.stop();
  });

  it('runs again soon after a failure where that is asked for, and no more once it has stopped', async () => {
    const run = vi.fn<() => Promise<void>>().mockRejectedValueOnce(new Error('away')).mockRejectedValueOnce(new Error('away'));
    run.mockResolvedValue();
    const { task } = taskOf(run, { intervalMs: 60 * SECOND_MS, retryMs: SECOND_MS, atStart: true });
    task.start();
    await vi.advanceTimersByTimeAsync(10 * SECOND_MS);
    expect(run).toHaveBeenCalledTimes(3);
    run.mockRejectedValueOnce(new Error('away'));
    await task.run();
    await task.stop();
    expect([vi.getTimerCount(), run.mock.calls.length]).toEqual([0, 4]);
  });

  it('runs only when it is asked to where its interval is 0', async () => {
    const run = vi.fn(async () => undefined);
    const { task } = taskOf(run, { intervalMs: 0, atStart: true });
    task.start();
    task.start();
    await vi.advanceTimersByTimeAsync(SECOND_MS);
    expect([run.mock.calls.length, vi.getTimerCount()]).toEqual([1, 0]);
    await task.run();
    expect(run).toHaveBeenCalledTimes(2);
    await task.stop();
  });

  it('does not run all the time where its interval is longer than a timer can be', async () => {
    const run = vi.fn(async () => undefined);
    const { task } = taskOf(run, { intervalMs: 30 * 86_400 * SECOND_MS });
    task.start();
    await vi.advanceTimersByTimeAsync(20 * 86_400 * SECOND_MS);
    expect(run).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(5 * 86_400 * SECOND_MS);
    expect(run).toHaveBeenCalledOnce();
    await task.stop();
  });

  it('has one timer however often it is started', async () => {
    const run = vi.fn(async () => undefined);
    const { task } = taskOf(run);
    task.start();
    task.start();
    await vi.advanceTimersByTimeAsync(SECOND_MS);
    expect(run).toHaveBeenCalledOnce();
    await task.stop();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('joins the run in progress instead of beginning another', async () => {
    const { work, ends } = heldWork();
    const { task } = taskOf(work);
    const [first, second] = [task.run(), task.run()];
    expect(ends).toHaveLength(1);
    ends[0]?.();
    await Promise.all([first, second]);
    void task.run();
    expect(ends).toHaveLength(2);
  });

  it('stops only after the run in progress, and can be started again', async () => {
    const { work, ends } = heldWork();
    const { task } = taskOf(work, { atStart: true });
    task.start();
    let hasStopped = false;
    const stopping = task.stop().then(() => (hasStopped = true));
    await vi.advanceTimersByTimeAsync(3 * SECOND_MS);
    expect(hasStopped).toBe(false);
    ends[0]?.();
    await stopping;
    expect(ends).toHaveLength(1);
    task.start();
    expect(ends).toHaveLength(2);
  });

  it('goes on after failures, and warns once for those in a row', async () => {
    const answers = [new Error('away'), new Error('still away'), undefined, new Error('away again')];
    const { task, logged } = taskOf(async () => {
      const answer = answers.shift();
      if (answer !== undefined) throw answer;
    });
    while (answers.length > 0) await task.run();
    expect(logged).toEqual([
      { level: 'warn', fields: { task: 'tidy', error: 'away' } },
      { level: 'debug', fields: { task: 'tidy', error: 'still away' } },
      { level: 'warn', fields: { task: 'tidy', error: 'away again' } },
    ]);
  });

  it('runs under its lease, and skips its turn where another process holds it', async () => {
    const run = vi.fn(async () => undefined);
    const names: string[] = [];
    let isFree = false;
    const { task, logged } = taskOf(run, {
      lease: {
        run: async (name, work) => {
          names.push(name);
          return isFree ? work() : undefined;
        },
      },
    });
    await task.run();
    expect(run).not.toHaveBeenCalled();
    isFree = true;
    await task.run();
    expect(run).toHaveBeenCalledOnce();
    expect(names).toEqual(['tidy', 'tidy']);
    expect(logged).toEqual([]);
  });
});
