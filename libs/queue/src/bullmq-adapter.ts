import { type Queue } from 'bullmq';

import { type HintAdd, type HintProducer, type HintWorkerOptions } from './backend.js';

/** The part of a BullMQ queue that both backends' queues share. */
type AnyQueue = Pick<Queue, 'add' | 'addBulk' | 'getWaiting' | 'getWaitingCount' | 'isPaused' | 'close'>;
interface AnyWorker {
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'active' | 'completed' | 'failed' | 'locksRenewed', listener: () => void): unknown;
}

/** Narrows a BullMQ queue to what producers of hints use. */
export function toProducer(queue: AnyQueue): HintProducer {
  return {
    addBulk: async (hints: readonly HintAdd[]) => {
      const [first] = hints;
      // One command; a bulk makes a pipeline with all of BullMQ's scripts on it, which costs more than the command.
      if (first !== undefined && hints.length === 1) await queue.add(first.name, first.data, first.opts);
      else await queue.addBulk(hints.map(({ name, data, opts }) => ({ name, data, opts })));
    },
    waitingCount: async () => ((await queue.isPaused()) ? 0 : queue.getWaitingCount()),
    oldestWaitingSinceMs: async () => {
      const [oldest] = await queue.getWaiting(0, 0);
      // A timer waits from when it is due.
      return oldest === undefined ? undefined : oldest.timestamp + (oldest.opts.delay ?? 0);
    },
    close: () => queue.close(),
  };
}

/** Passes on a worker's errors and every event that shows that it lives. */
export function superviseEvents(worker: AnyWorker, { onError, onSign }: HintWorkerOptions): void {
  worker.on('error', onError);
  worker.on('active', onSign);
  worker.on('completed', onSign);
  worker.on('failed', onSign);
  worker.on('locksRenewed', onSign);
}
