import { afterAll, describe, it } from 'vitest';

import { jobQueueContract, missingPart, randomPrefix, startRedis, type TestRedis } from '#libs/testing';

import { openQueueBackend } from './open-backend.js';
import { type Delivery, QueueRuntime } from './queue-runtime.js';
import { silentLogger } from './telemetry.js';

const systemClock = { nowMs: () => Date.now() };
const redis: TestRedis | undefined = await startRedis();

if (redis === undefined) {
  describe('job queue on Redis', () => {
    it.skip(missingPart('redis-server'), () => undefined);
  });
} else {
  for (const delivery of ['queue', 'local-first'] satisfies Delivery[]) {
    jobQueueContract(`BullMQ on Redis, delivery ${delivery}`, async () => {
      const backend = openQueueBackend({ kind: 'redis', url: redis.url, prefix: randomPrefix() }, silentLogger);
      const runtime = new QueueRuntime({ backend, delivery, clock: systemClock, logger: silentLogger });
      await runtime.whenReady();
      return {
        queue: runtime.queue,
        consume: (job, handler) => void runtime.consume(job, handler),
        close: () => runtime.close(),
      };
    });
  }
  afterAll(() => redis.stop());
}
