import { describe, expect, it } from 'vitest';
import { heldLocks } from './held-locks.js';

describe('locks that the status of a workflow shows as held', () => {
  it('are those of the workflow and of its nodes, by the names under which others ask for them', () => {
    const held = heldLocks({
      metadata: { name: 'w', namespace: 'lab' },
      status: {
        nodes: { 'w-1': { id: 'w-1', name: 'w.a', type: 'Pod' }, 'w-2': { id: 'w-2', name: 'w.b', type: 'Pod' } },
        synchronization: {
          semaphore: {
            holding: [
              { semaphore: 'lab/ConfigMap/limits/two', holders: ['lab/w/w-1', 'w-2', 'lab/other/w-1'] },
              { semaphore: 'lab/Database/many', holders: ['lab/w'] },
            ],
            waiting: [{ semaphore: 'lab/ConfigMap/limits/one', holders: ['lab/w/w-1'] }],
          },
          mutex: {
            holding: [
              { mutex: 'other/Mutex/m', holder: 'lab/w/w-1' },
              { mutex: 'lab/Database/m', holder: 'w-2' },
            ],
          },
        },
      },
    });
    expect(held).toEqual([
      { name: 'lab/ConfigMap/limits/two', holder: 'w-1' },
      { name: 'lab/ConfigMap/limits/two', holder: 'w-2' },
      { name: 'sem/lab/many', holder: '' },
      { name: 'other/Mutex/m', holder: 'w-1' },
      { name: 'mtx/lab/m', holder: 'w-2' },
    ]);
  });
});
