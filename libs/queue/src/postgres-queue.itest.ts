import { jobQueueContract, postgresTemplate } from '#libs/testing';

import { openQueueBackend } from './open-backend.js';
import { type Delivery, QueueRuntime } from './queue-runtime.js';
import { silentLogger } from './telemetry.js';

const clock = { nowMs: () => Date.now() };

for (const delivery of ['queue', 'local-first'] satisfies Delivery[]) {
  jobQueueContract(`BullMQ on Postgres, delivery ${delivery}`, async () => {
    const database = await postgresTemplate();
    const backend = openQueueBackend({ kind: 'postgres', connection: database.connection }, silentLogger);
    const runtime = new QueueRuntime({ backend, delivery, clock, logger: silentLogger });
    await runtime.whenReady();
    return {
      queue: runtime.queue,
      consume: (job, handler) => void runtime.consume(job, handler),
      close: async () => {
        await runtime.close();
        await database.drop();
      },
    };
  });
}
