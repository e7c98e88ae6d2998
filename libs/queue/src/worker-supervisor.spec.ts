import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { type HintWorkerOptions, type QueueBackend } from './backend.js';
import { silentLogger, silentTelemetry } from './telemetry.js';
import { WorkerSupervisor } from './worker-supervisor.js';

/** A backend whose workers do only what the test makes them do. */
class ScriptedBackend {
  readonly workers: { options: HintWorkerOptions; end: (error?: Error) => void; closed: false | 'by force' | 'in peace' }[] = [];
  isAway = false;
  back: () => void = () => undefined;

  asBackend(): QueueBackend {
    const createWorker = (_queue: string, options: HintWorkerOptions) => {
      let end: (error?: Error) => void = () => undefined;
      const run = new Promise<void>((resolve, reject) => (end = (error) => (error === undefined ? resolve() : reject(error))));
      const worker: (typeof this.workers)[number] = { options, end, closed: false };
      this.workers.push(worker);
      return { run: () => run, close: async (force: boolean) => void (worker.closed = force ? 'by force' : 'in peace') };
    };
    const isReady = () => Promise.resolve(!this.isAway);
    const onBack = (listener: () => void): void => void (this.back = listener);
    return { whenReady: () => Promise.resolve(), isReady, onBack, createWorker } as unknown as QueueBackend;
  }
}

describe('WorkerSupervisor', () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  async function supervise(waiting: number, handle: () => Promise<void> = async () => undefined) {
    const backend = new ScriptedBackend();
    const replaced: string[] = [];
    const supervisor = new WorkerSupervisor({
      backend: backend.asBackend(),
      queueName: 'workflow',
      concurrency: 1,
      handle,
      waitingCount: async () => waiting,
      logger: silentLogger,
      telemetry: { ...silentTelemetry, workerReplaced: (_queue, reason) => void replaced.push(reason) },
    });
    supervisor.start();
    await vi.advanceTimersByTimeAsync(0);
    return { backend, replaced, supervisor };
  }

  it('replaces a worker whose loop rejects', async () => {
    const { backend, replaced } = await supervise(0);
    backend.workers[0]!.end(new Error('connection lost for ever'));
    await vi.advanceTimersByTimeAsync(1_000);
    expect([replaced, backend.workers.length, backend.workers[0]!.closed]).toEqual([['failed'], 2, 'by force']);
  });

  it('replaces a worker that takes nothing although hints wait', async () => {
    const { backend, replaced } = await supervise(3);
    await vi.advanceTimersByTimeAsync(25_000);
    expect(replaced).toEqual(['silent']);
    expect(backend.workers).toHaveLength(2);
  });

  it('replaces a worker that only fails, with growing pauses', async () => {
    const { backend, replaced } = await supervise(0);
    for (let generation = 0; generation < 3; generation += 1) {
      for (let i = 0; i < 10; i += 1) backend.workers.at(-1)!.options.onError(new Error('no schema'));
      await vi.advanceTimersByTimeAsync(2_500);
    }
    expect(replaced).toEqual(['failing', 'failing', 'failing']);
    expect(backend.workers).toHaveLength(4);
  });

  it('leaves a worker alone that fails while the database is away, and counts anew when it is back', async () => {
    const { backend, replaced } = await supervise(0);
    const fail = async (times: number): Promise<void> => {
      for (let i = 0; i < times; i += 1) backend.workers.at(-1)!.options.onError(new Error('connection refused'));
      await vi.advanceTimersByTimeAsync(1_000);
    };
    backend.isAway = true;
    await fail(39);
    backend.isAway = false;
    backend.back();
    await fail(9);
    expect([replaced, backend.workers.length]).toEqual([[], 1]);
    await fail(1);
    expect([replaced, backend.workers.length]).toEqual([['failing'], 2]);
  });

  it('leaves a worker alone that is idle or busy', async () => {
    const idle = await supervise(0);
    const busy = await supervise(3);
    void busy.backend.workers[0]!.options.handle({ name: 'wake', data: { payload: {}, origin: '', sequence: 0 } });
    const beat = setInterval(() => busy.backend.workers[0]!.options.onSign(), 1_000);
    await vi.advanceTimersByTimeAsync(60_000);
    clearInterval(beat);
    expect([idle.replaced, busy.replaced]).toEqual([[], []]);
  });

  it('does not replace a worker that was closed on purpose', async () => {
    const { backend, replaced, supervisor } = await supervise(0);
    await supervisor.close();
    backend.workers[0]!.end();
    await vi.advanceTimersByTimeAsync(30_000);
    expect([replaced, backend.workers.length, backend.workers[0]!.closed]).toEqual([[], 1, 'in peace']);
  });

  it('waits for what is in progress while the database is away, and for nothing else', async () => {
    let finish: () => void = () => undefined;
    const { backend, supervisor } = await supervise(0, () => new Promise((resolve) => (finish = resolve)));
    const worker = backend.workers[0]!;
    const handled = worker.options.handle({ name: 'wake', data: { payload: {}, origin: '', sequence: 0 } });
    backend.isAway = true;
    const closed = supervisor.close();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(worker.closed).toBe(false);
    finish();
    await Promise.all([handled, closed]);
    expect(worker.closed).toBe('by force');
  });
});
