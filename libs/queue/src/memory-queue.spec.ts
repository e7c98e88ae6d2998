import { jobQueueContract, MemoryJobQueue } from '#libs/testing';

jobQueueContract('in-memory fake', async () => {
  const queue = new MemoryJobQueue();
  return {
    queue,
    consume: (job, handler) => queue.handle(job, handler),
    close: async () => queue.close(),
  };
});
