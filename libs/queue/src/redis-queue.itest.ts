import { Redis } from 'ioredis';
import { afterAll, describe, expect, it } from 'vitest';

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
  it('says of a Redis that evicts keys that hints may be lost', async () => {
    const administrator = new Redis(redis.url);
    const backend = openQueueBackend({ kind: 'redis', url: redis.url, prefix: randomPrefix() }, silentLogger);
    await backend.whenReady();
    expect(await backend.problem()).toBeUndefined();
    await administrator.config('SET', 'maxmemory-policy', 'allkeys-lru');
    expect(await backend.problem()).toBe('Redis may evict what waits: maxmemory-policy is allkeys-lru');
    await administrator.config('SET', 'maxmemory-policy', 'noeviction');
    administrator.disconnect();
    await backend.close();
  });
  afterAll(() => redis.stop());
}
