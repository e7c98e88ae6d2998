import { afterEach, describe, it } from 'vitest';

import { type JobQueue, WorkflowJob } from '#libs/jobs';
import { eventually, missingPart, postgresTemplate, randomPrefix, redisProgram, startRedis } from '#libs/testing';

import { openQueueBackend, type QueueBackendConfig } from './open-backend.js';
import { type Delivery, QueueRuntime } from './queue-runtime.js';
import { silentLogger, silentTelemetry } from './telemetry.js';

const clock = { nowMs: () => Date.now() };
const noRedis = redisProgram() === undefined;

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function redisLocation(): Promise<QueueBackendConfig> {
  const redis = (await startRedis())!;
  closers.push(() => redis.stop());
  return { kind: 'redis', url: redis.url, prefix: randomPrefix() };
}

async function postgresLocation(): Promise<QueueBackendConfig> {
  const database = await postgresTemplate();
  closers.push(() => database.drop());
  return { kind: 'postgres', connection: database.connection };
}

function openRuntime(location: QueueBackendConfig, delivery: Delivery, skipped: string[] = []): QueueRuntime {
  const telemetry = { ...silentTelemetry, hintSkipped: (queue: string) => void skipped.push(queue) };
  const runtime = new QueueRuntime({
    backend: openQueueBackend(location, silentLogger),
    delivery,
    clock,
    logger: silentLogger,
    telemetry,
  });
  closers.push(() => runtime.close());
  return runtime;
}

/** Programs that write events and wake rows; a row is served when a run has read its last event. */
class Events {
  private readonly written = new Map<string, number>();
  private readonly read = new Map<string, number>();

  async burst(queues: readonly JobQueue[], count: number): Promise<void> {
    const events = Array.from({ length: count }, (_, index) => ({
      queue: queues[index % queues.length]!,
      workflow: `w${Math.floor(Math.random() * 6)}`,
    }));
    await Promise.all(
      events.map(async ({ queue, workflow }) => {
        this.written.set(workflow, (this.written.get(workflow) ?? 0) + 1);
        await queue.wake(WorkflowJob, { workflow });
      }),
    );
  }

  readonly handler = async ({ workflow }: { workflow: string }): Promise<void> => {
    const value = this.written.get(workflow) ?? 0;
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 4));
    this.read.set(workflow, Math.max(value, this.read.get(workflow) ?? 0));
  };

  lost(): string[] {
    return [...this.written].filter(([row, value]) => this.read.get(row) !== value).map(([row]) => row);
  }
}

const locations: [string, () => Promise<QueueBackendConfig>][] = [
  ...(noRedis ? [] : [['Redis', redisLocation] as [string, typeof redisLocation]]),
  ['Postgres', postgresLocation],
];

describe('queue under stress', () => {
  if (noRedis) it.skip(missingPart('redis-server'), () => undefined);

  it.each(locations)(
    'loses no last event of several producers and consumers on %s',
    async (_name, locate) => {
      const location = await locate();
      const programs = [openRuntime(location, 'queue'), openRuntime(location, 'queue'), openRuntime(location, 'local-first')];
      const events = new Events();
      await Promise.all(programs.map((program) => program.whenReady()));
      for (const program of programs) program.consume(WorkflowJob, events.handler);
      for (let round = 0; round < 15; round += 1) {
        await events.burst(
          programs.map(({ queue }) => queue),
          60,
        );
        await eventually(
          () => events.lost().length === 0,
          () => `round ${round}: last event of ${events.lost().join(', ')} lost`,
        );
      }
    },
    60_000,
  );

  it.each(locations)('leaves rows that it has not begun to other processes when it closes, on %s', async (_name, locate) => {
    const location = await locate();
    const first = openRuntime(location, 'local-first');
    await first.whenReady();
    const finish: (() => void)[] = [];
    first.consume(WorkflowJob, () => new Promise<void>((resolve) => finish.push(resolve)), { concurrency: 1 });
    for (const workflow of ['w1', 'w2', 'w3']) await first.queue.wake(WorkflowJob, { workflow });
    await eventually(() => finish.length === 1, 'the first run');
    const closed = first.close();
    finish.forEach((end) => end());
    await closed;
    const second = openRuntime(location, 'local-first');
    const seen = new Set<string>();
    second.consume(WorkflowJob, async ({ workflow }) => void seen.add(workflow));
    await eventually(() => seen.has('w2') && seen.has('w3'), 'the rows left behind');
  });

  it.each(locations)(
    'leaves a copy of a long run to other processes on %s, and skips it where it was done',
    async (_name, locate) => {
      const location = await locate();
      const skipped: string[] = [];
      const program = openRuntime(location, 'local-first', skipped);
      await program.whenReady();
      let finish: () => void = () => undefined;
      let runs = 0;
      program.consume(WorkflowJob, async () => {
        runs += 1;
        await new Promise<void>((resolve) => (finish = resolve));
      });
      await program.queue.wake(WorkflowJob, { workflow: 'w1' });
      await eventually(() => skipped.length === 1, 'the copy, while its row runs');
      finish();
      await program.queue.wake(WorkflowJob, { workflow: 'w1' });
      await eventually(() => runs === 2, 'the next run');
      finish();
    },
  );
});
