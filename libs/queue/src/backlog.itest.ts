import { afterAll, afterEach, describe, expect, it } from 'vitest';

import { WorkflowJob } from '#libs/jobs';
import { eventually, missingPart, postgresTemplate, randomPrefix, startRedis, type TestDatabase } from '#libs/testing';

import { type QueueBackend } from './backend.js';
import { openQueueBackend } from './open-backend.js';
import { QueueRuntime } from './queue-runtime.js';
import { silentLogger } from './telemetry.js';

const redis = await startRedis();
let database: TestDatabase | undefined;

afterAll(async () => {
  await redis?.stop();
  await database?.drop();
});

const backends: [string, () => Promise<QueueBackend>][] = [
  ['Redis', async () => openQueueBackend({ kind: 'redis', url: redis!.url, prefix: randomPrefix() }, silentLogger)],
  [
    'Postgres',
    async () => {
      database = await postgresTemplate();
      return openQueueBackend({ kind: 'postgres', connection: database.connection }, silentLogger);
    },
  ],
];

describe.skipIf(redis === undefined)(redis === undefined ? missingPart('redis-server') : 'backlog of a queue', () => {
  const closers: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close();
  });

  it.each(backends)('on %s is as old as the oldest hint that could run, a timer from when it was due', async (_name, open) => {
    const aheadMs = 60_000;
    let laterMs = 0;
    const clock = { nowMs: () => Date.now() + laterMs };
    const backend = await open();
    const runtime = new QueueRuntime({ backend, delivery: 'queue', clock, logger: silentLogger });
    closers.push(() => runtime.close());
    await runtime.whenReady();
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    let runs = 0;
    const handler = async (): Promise<void> => {
      runs += 1;
      await held;
    };
    runtime.consume(WorkflowJob, handler, { concurrency: 1 });
    const backlog = async () => (await runtime.backlogs()).get('workflow');
    expect(await backlog()).toEqual({ waitingCount: 0, ageMs: 0 });

    await runtime.queue.wake(WorkflowJob, { workflow: 'running' });
    await eventually(() => runs === 1, 'the first row runs');
    await runtime.queue.wakeAt(WorkflowJob, { workflow: 'much-later' }, clock.nowMs() + aheadMs);
    expect(await backlog()).toEqual({ waitingCount: 0, ageMs: 0 });

    await runtime.queue.wake(WorkflowJob, { workflow: 'oldest' });
    await runtime.queue.wake(WorkflowJob, { workflow: 'newest' });
    laterMs = aheadMs;
    const found = await backlog();
    expect(found?.waitingCount).toBe(2);
    expect(found?.ageMs).toBeGreaterThanOrEqual(aheadMs);
    expect(found?.ageMs).toBeLessThan(aheadMs + 10_000);

    release();
    await eventually(() => runs === 3, 'all rows have run');
    await eventually(async () => (await backlog())?.waitingCount === 0, 'the backlog is worked off');
    expect(runs).toBe(3);
    expect((await backlog())?.ageMs).toBe(0);
  });
});
