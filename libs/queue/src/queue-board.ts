import { type Queue } from 'bullmq';
import { type Express, type RequestHandler } from 'express';

import { JobCatalogue, queueNameOf } from '#libs/jobs';

import { type BoardQueue, type QueueBackend } from './backend.js';

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
 * Makes the queues' dashboard, on either backend. Its code is loaded at the first request, so that neither the start nor other
 * programs carry it; it does not authenticate, which is its server's duty.
 */
export function createQueueBoard(options: QueueBoardOptions): QueueBoard {
  let opened: Promise<OpenBoard> | undefined;
  const open = (): Promise<OpenBoard> => (opened ??= openBoard(options));
  return {
    handler: (request, response, next) => {
      open().then(({ app }) => void app(request, response, next), next);
    },
    close: async () => {
      const board = await opened?.catch(() => undefined);
      await Promise.all((board?.queues ?? []).map((queue) => queue.close().catch(() => undefined)));
    },
  };
}

interface OpenBoard {
  readonly app: Express;
  readonly queues: readonly BoardQueue[];
}

async function openBoard({ backend, basePath, readOnly, queues: names }: QueueBoardOptions): Promise<OpenBoard> {
  const [{ createBullBoard }, { BullMQAdapter }, { ExpressAdapter }] = await Promise.all([
    import('@bull-board/api'),
    import('@bull-board/api/bullMQAdapter'),
    import('@bull-board/express'),
  ]);
  const shown = names ?? Object.values(JobCatalogue).map((job) => queueNameOf(job));
  const queues = shown.map((name) => backend.createBoardQueue(name));
  const serverAdapter = new ExpressAdapter();
  serverAdapter.setBasePath(basePath);
  createBullBoard({
    queues: queues.map((queue) => new BullMQAdapter(queue as Queue, { readOnlyMode: readOnly, allowRetries: !readOnly })),
    serverAdapter,
    options: { uiConfig: { boardTitle: 'Argosy queues' } },
  });
  return { app: serverAdapter.getRouter() as Express, queues };
}
