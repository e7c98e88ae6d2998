import { EventEmitter } from 'node:events';

import { type Pool } from 'pg';
import { describe, expect, it } from 'vitest';

import { ListeningPool, SharedListener } from './shared-listener.js';

class FakeClient extends EventEmitter {
  released = 0;
  running = 0;
  mostRunning = 0;

  async query(): Promise<{ rows: never[] }> {
    this.running += 1;
    this.mostRunning = Math.max(this.mostRunning, this.running);
    await new Promise((resolve) => setImmediate(resolve));
    this.running -= 1;
    return { rows: [] };
  }

  release(): void {
    this.released += 1;
    if (this.released > 1) throw new Error('released twice');
  }
}

const poolOf = () => {
  const clients: FakeClient[] = [];
  const pool = {
    connect: async () => {
      const client = new FakeClient();
      clients.push(client);
      return client;
    },
  } as unknown as Pool;
  return { clients, listening: new ListeningPool(pool, new SharedListener(pool)) };
};

describe('the shared listening connection', () => {
  it('takes one statement at a time, however many workers listen at once', async () => {
    const { clients, listening } = poolOf();
    const workers = await Promise.all([1, 2, 3].map(() => listening.connect()));
    await Promise.all(workers.map((worker) => worker.query('LISTEN queue')));
    expect(clients.map(({ mostRunning }) => mostRunning)).toEqual([1]);
  });

  it('outlives a connection that reports its loss twice, and tells each worker once', async () => {
    const { clients, listening } = poolOf();
    const worker = await listening.connect();
    const errors: Error[] = [];
    worker.on('error', (error: Error) => errors.push(error));
    await worker.query('LISTEN queue');
    clients[0]!.emit('error', new Error('terminated by administrator'));
    clients[0]!.emit('error', new Error('connection ended'));
    expect(errors.map(({ message }) => message)).toEqual(['terminated by administrator']);
    await worker.query('LISTEN queue');
    expect(clients).toHaveLength(2);
  });

  it('outlives a loss that comes after the last worker has left', async () => {
    const { clients, listening } = poolOf();
    const worker = await listening.connect();
    await worker.query('LISTEN queue');
    worker.release();
    await new Promise((resolve) => setImmediate(resolve));
    clients[0]!.emit('error', new Error('late'));
    expect(clients[0]!.released).toBe(1);
  });
});
