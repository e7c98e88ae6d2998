import { type AddressInfo } from 'node:net';

import express from 'express';
import { afterAll, afterEach, describe, expect, it } from 'vitest';

import { WorkflowJob } from '#libs/jobs';
import { missingPart, postgresTemplate, randomPrefix, startRedis, type TestDatabase } from '#libs/testing';

import { type QueueBackend } from './backend.js';
import { openQueueBackend } from './open-backend.js';
import { createQueueBoard } from './queue-board.js';
import { QueueRuntime } from './queue-runtime.js';
import { silentLogger } from './telemetry.js';

const redis = await startRedis();
let database: TestDatabase | undefined;

afterAll(async () => {
  await redis?.stop();
  await database?.drop();
});

interface BoardAnswer {
  readonly queues: readonly { readonly name: string; readonly readOnlyMode: boolean; readonly counts: Record<string, number> }[];
}

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

describe.skipIf(redis === undefined)(redis === undefined ? missingPart('redis-server') : 'queue board', () => {
  const closers: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close();
  });

  it.each(backends)('shows the queues of %s and refuses to change them while it is read-only', async (_name, open) => {
    const backend = await open();
    const runtime = new QueueRuntime({ backend, delivery: 'queue', clock: { nowMs: () => Date.now() }, logger: silentLogger });
    closers.push(() => runtime.close());
    await runtime.whenReady();
    await runtime.queue.wake(WorkflowJob, { workflow: 'w1' });
    const base = await serve(backend, true);
    expect(await (await fetch(base)).text()).toContain('Argosy queues');
    const { queues } = (await (await fetch(`${base}/api/queues`)).json()) as BoardAnswer;
    expect(queues.map(({ name }) => name)).toEqual(['workflow', 'pod', 'record', 'archive', 'artifact-gc']);
    expect(queues.map(({ readOnlyMode }) => readOnlyMode)).not.toContain(false);
    expect(queues[0]!.counts['waiting']).toBe(1);
    const pause = await fetch(`${base}/api/queues/workflow/pause`, { method: 'PUT' });
    expect(pause.status).toBe(405);
  });

  it.each(backends)('pauses and resumes a queue of %s where it may', async (_name, open) => {
    const backend = await open();
    const runtime = new QueueRuntime({ backend, delivery: 'queue', clock: { nowMs: () => Date.now() }, logger: silentLogger });
    closers.push(() => runtime.close());
    await runtime.whenReady();
    const base = await serve(backend, false);
    for (const action of ['pause', 'resume']) {
      expect((await fetch(`${base}/api/queues/workflow/${action}`, { method: 'PUT' })).status).toBe(200);
    }
  });

  async function serve(backend: QueueBackend, readOnly: boolean): Promise<string> {
    const board = createQueueBoard({ backend, basePath: '/queues', readOnly });
    closers.push(() => board.close());
    const server = express().use('/queues', board.handler).listen(0);
    closers.push(() => new Promise((resolve) => server.close(resolve)));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/queues`;
  }
});
