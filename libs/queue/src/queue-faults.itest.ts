import { type ChildProcess, spawn } from 'node:child_process';

import { Redis } from 'ioredis';
import { Pool } from 'pg';
import { afterEach, describe, expect, it } from 'vitest';

import { WorkflowJob } from '#libs/jobs';
import { eventually, missingPart, postgresTemplate, randomPrefix, redisProgram, startRedis, type TestRedis } from '#libs/testing';

import { workerTiming } from './backend.js';
import { openQueueBackend } from './open-backend.js';
import { type Delivery, QueueRuntime } from './queue-runtime.js';
import { Sweeper } from './sweeper.js';
import { silentLogger, silentTelemetry } from './telemetry.js';

const clock = { nowMs: () => Date.now() };
const noRedis = redisProgram() === undefined;

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function ownRedis(): Promise<TestRedis> {
  const redis = (await startRedis({ persistent: true }))!;
  closers.push(() => redis.stop());
  return redis;
}

function runtimeOn(url: string, prefix: string, delivery: Delivery = 'queue'): QueueRuntime {
  const backend = openQueueBackend({ kind: 'redis', url, prefix }, silentLogger);
  const runtime = new QueueRuntime({ backend, delivery, clock, logger: silentLogger });
  closers.push(() => runtime.close());
  return runtime;
}

/** A process that takes a hint of the workflow queue and never ends it, until it is killed. */
async function startHangingWorker(url: string, prefix: string): Promise<ChildProcess> {
  const code = `
    import { Worker } from 'bullmq';
    const { url, prefix, timing } = JSON.parse(process.argv[1]);
    new Worker('workflow', () => { process.send('taken'); return new Promise(() => undefined); }, { ...timing, connection: { url }, prefix });
    setInterval(() => undefined, 1000);`;
  const facts = JSON.stringify({ url, prefix, timing: workerTiming });
  const child = spawn(process.execPath, ['--input-type=module', '-e', code, facts], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  closers.push(() => child.kill('SIGKILL'));
  await new Promise((resolve) => child.once('message', resolve));
  return child;
}

describe.skipIf(noRedis)(noRedis ? missingPart('redis-server') : 'queue faults on Redis', () => {
  it('runs the hint of a killed worker again within 16 s', async () => {
    const redis = await ownRedis();
    const prefix = randomPrefix();
    const runtime = runtimeOn(redis.url, prefix);
    await runtime.whenReady();
    await runtime.queue.wake(WorkflowJob, { workflow: 'w1' });
    const child = await startHangingWorker(redis.url, prefix);
    const seen: string[] = [];
    runtime.consume(WorkflowJob, async ({ workflow }) => void seen.push(workflow));
    child.kill('SIGKILL');
    await eventually(() => seen.includes('w1'), 'the second run', 16_000);
  });

  it('recovers rows whose hints FLUSHALL has deleted, by sweeping', async () => {
    const redis = await ownRedis();
    const runtime = runtimeOn(redis.url, randomPrefix());
    await runtime.whenReady();
    const due = new Set(['w1', 'w2', 'w3']);
    await runtime.queue.wakeMany(
      WorkflowJob,
      [...due].map((workflow) => ({ workflow })),
    );
    const admin = new Redis(redis.url);
    await admin.flushall();
    admin.disconnect();
    runtime.consume(WorkflowJob, async ({ workflow }) => void due.delete(workflow));
    const sweeper = new Sweeper({
      job: WorkflowJob,
      queue: runtime.queue,
      lease: { run: (_name, work) => work() },
      page: async (afterKey) =>
        [...due]
          .filter((key) => afterKey === undefined || key > afterKey)
          .map((key) => ({ key, payload: { workflow: key }, progress: '' })),
      clock,
      logger: silentLogger,
      intervalMs: 100,
      overdueMs: 0,
    });
    closers.push(() => sweeper.stop());
    sweeper.start();
    await eventually(() => due.size === 0, 'every row');
  });

  it('goes on consuming after FLUSHALL', async () => {
    const redis = await ownRedis();
    const runtime = runtimeOn(redis.url, randomPrefix());
    const seen: string[] = [];
    runtime.consume(WorkflowJob, async ({ workflow }) => void seen.push(workflow));
    await runtime.whenReady();
    await runtime.queue.wake(WorkflowJob, { workflow: 'before' });
    await eventually(() => seen.includes('before'), 'a run before');
    const admin = new Redis(redis.url);
    await admin.flushall();
    admin.disconnect();
    await runtime.queue.wake(WorkflowJob, { workflow: 'after' });
    await eventually(() => seen.includes('after'), 'a run after', 20_000);
  });

  it('delivers hints made during an outage within 3 s of its end, and never holds up who makes them', async () => {
    const redis = await ownRedis();
    const runtime = runtimeOn(redis.url, randomPrefix());
    const seen: string[] = [];
    runtime.consume(WorkflowJob, async ({ workflow }) => void seen.push(workflow));
    await runtime.whenReady();
    await runtime.queue.wake(WorkflowJob, { workflow: 'before' });
    await eventually(() => seen.includes('before'), 'a run before');
    await redis.kill();
    const startedAt = performance.now();
    await runtime.queue.wake(WorkflowJob, { workflow: 'during' });
    expect(performance.now() - startedAt).toBeLessThan(5_000);
    expect(await runtime.isReady()).toBe(false);
    await redis.start();
    await eventually(() => seen.includes('during'), 'the run after', 3_500);
    expect(await runtime.isReady()).toBe(true);
  });

  it('replaces no worker in a long outage, and all of them work when it is over', async () => {
    const redis = await ownRedis();
    let failureCount = 0;
    const replaced: string[] = [];
    const logger = { ...silentLogger, debug: (message: string) => void (failureCount += Number(message === 'worker error')) };
    const telemetry = { ...silentTelemetry, workerReplaced: (_queue: string, reason: string) => void replaced.push(reason) };
    const backend = openQueueBackend({ kind: 'redis', url: redis.url, prefix: randomPrefix() }, logger);
    const runtime = new QueueRuntime({ backend, delivery: 'queue', clock, logger, telemetry });
    closers.push(() => runtime.close());
    const seen: string[] = [];
    runtime.consume(WorkflowJob, async ({ workflow }) => void seen.push(workflow));
    await runtime.whenReady();
    await runtime.queue.wake(WorkflowJob, { workflow: 'before' });
    await eventually(() => seen.includes('before'), 'a run before');
    await redis.kill();
    await eventually(
      () => failureCount > 22,
      () => `the worker has failed again and again, not ${failureCount} times`,
      60_000,
    );
    await redis.start();
    await runtime.whenReady();
    await runtime.queue.wake(WorkflowJob, { workflow: 'after' });
    await eventually(() => seen.includes('after'), 'the run after', 20_000);
    expect(replaced).toEqual([]);
  });

  it('starts while Redis is away and works when it comes', async () => {
    const redis = await ownRedis();
    await redis.kill();
    const runtime = runtimeOn(redis.url, randomPrefix());
    const seen: string[] = [];
    runtime.consume(WorkflowJob, async ({ workflow }) => void seen.push(workflow));
    await runtime.queue.wake(WorkflowJob, { workflow: 'early' });
    expect(await runtime.isReady()).toBe(false);
    await redis.start();
    await eventually(() => seen.includes('early'), 'the run', 20_000);
  });
});

describe('queue faults on Postgres', () => {
  it('goes on delivering after every connection was cut', async () => {
    const database = await postgresTemplate();
    closers.push(() => database.drop());
    const backend = openQueueBackend({ kind: 'postgres', connection: database.connection }, silentLogger);
    const runtime = new QueueRuntime({ backend, delivery: 'queue', clock, logger: silentLogger });
    closers.push(() => runtime.close());
    const seen: string[] = [];
    runtime.consume(WorkflowJob, async ({ workflow }) => void seen.push(workflow));
    await runtime.whenReady();
    await runtime.queue.wake(WorkflowJob, { workflow: 'before' });
    await eventually(() => seen.includes('before'), 'a run before');
    const admin = new Pool({ ...database.connection, max: 1 });
    await admin.query(
      'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
    );
    await admin.end();
    await runtime.queue.wake(WorkflowJob, { workflow: 'after' });
    await eventually(() => seen.includes('after'), 'a run after', 20_000);
  });

  it('starts while Postgres is away and is not ready', async () => {
    const backend = openQueueBackend(
      { kind: 'postgres', connection: { host: '127.0.0.1', port: 1, user: 'nobody', database: 'none' } },
      silentLogger,
    );
    const runtime = new QueueRuntime({ backend, delivery: 'queue', clock, logger: silentLogger });
    closers.push(() => runtime.close());
    runtime.consume(WorkflowJob, async () => undefined);
    const startedAt = performance.now();
    await runtime.queue.wake(WorkflowJob, { workflow: 'w1' });
    expect(performance.now() - startedAt).toBeLessThan(5_000);
    expect(await runtime.isReady()).toBe(false);
  });

  it('closes a worker that was made while Redis is away', async () => {
    const redis = await ownRedis();
    const backend = openQueueBackend({ kind: 'redis', url: redis.url, prefix: randomPrefix() }, silentLogger);
    closers.push(() => backend.close());
    const nothing = { concurrency: 1, handle: () => Promise.resolve(), onError: () => undefined, onSign: () => undefined };
    await backend.whenReady();
    const first = backend.createWorker('workflow', nothing);
    void first.run().catch(() => undefined);
    await redis.kill();
    await eventually(async () => !(await backend.isReady()), 'Redis is away');
    const second = backend.createWorker('workflow', nothing);
    void second.run().catch(() => undefined);
    await Promise.all([first.close(true), second.close(true)]);
  });
});
