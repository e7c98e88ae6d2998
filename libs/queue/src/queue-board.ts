import { type Queue } from 'bullmq';
import { type Express, type RequestHandler } from 'express';

import { JobCatalogue, queueNameOf } from '#libs/jobs';

import { type QueueBackend } from './backend.js';

export interface QueueBoardOptions {
  readonly backend: QueueBackend;
  /** Where the board is mounted, such as `/queues`. */
  readonly basePath: string;
  /** Queues to show; all of the catalogue where absent. */
  readonly queues?: readonly string[];
  /** Whether the board only shows. Otherwise whoever reaches it may pause, retry and delete. */
  readonly readOnly: boolean;
}

/** A dashboard of the queues: an express handler to mount at its base path, and how to close its connections. */
export interface QueueBoard {
  readonly handler: RequestHandler;
  close(): Promise<void>;
}

/**
 * Makes the queues' dashboard, on either backend. Its code is loaded only here, so that other programs do not carry it; it
 * does not authenticate, which is its server's duty.
 */
export async function createQueueBoard(options: QueueBoardOptions): Promise<QueueBoard> {
  const [{ createBullBoard }, { BullMQAdapter }, { ExpressAdapter }] = await Promise.all([
    import('@bull-board/api'),
    import('@bull-board/api/bullMQAdapter'),
    import('@bull-board/express'),
  ]);
  const { backend, basePath, readOnly, queues: names = Object.values(JobCatalogue).map((job) => queueNameOf(job)) } = options;
  const queues = names.map((name) => backend.createBoardQueue(name));
  const serverAdapter = new ExpressAdapter();
  serverAdapter.setBasePath(basePath);
  createBullBoard({
    queues: queues.map((queue) => new BullMQAdapter(queue as Queue, { readOnlyMode: readOnly, allowRetries: !readOnly })),
    serverAdapter,
    options: { uiConfig: { boardTitle: 'Argosy queues' } },
  });
  const app = serverAdapter.getRouter() as Express;
  return {
    handler: app,
    close: async () => {
      await Promise.all(queues.map((queue) => queue.close().catch(() => undefined)));
    },
  };
}
