import type { PodObservation } from '#libs/runtimes';
import { describe, expect, it } from 'vitest';
import { ObservationBatcher } from './observation-batcher.js';

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {}, child: () => silent };
const seen = (nodeId: string): PodObservation => ({ identity: { workflowUid: 'w', nodeId, incarnation: 0 }, phase: 'Running' });

describe('ObservationBatcher', () => {
  it('writes what arrives during a write as one batch, in order', async () => {
    const batches: string[][] = [];
    let release = (): void => {};
    const batcher = new ObservationBatcher(
      async (observations) => {
        batches.push(observations.map(({ identity }) => identity.nodeId));
        if (batches.length === 1) await new Promise<void>((resolve) => (release = resolve));
      },
      100,
      silent,
    );
    const first = batcher.add([seen('a')]);
    await Promise.resolve();
    await Promise.resolve();
    const others = ['b', 'c', 'd'].map((nodeId) => batcher.add([seen(nodeId)]));
    release();
    await Promise.all([first, ...others]);
    expect(batches).toEqual([['a'], ['b', 'c', 'd']]);
  });

  it('tells each caller of a batch that failed, and goes on with the next', async () => {
    let calls = 0;
    const batcher = new ObservationBatcher(
      async () => {
        calls += 1;
        if (calls === 1) throw new Error('database away');
      },
      2,
      silent,
    );
    const outcomes = await Promise.allSettled([batcher.add([seen('a')]), batcher.add([seen('b')]), batcher.add([seen('c')])]);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled']);
    await batcher.settled();
    await expect(batcher.add([seen('d')])).resolves.toBeUndefined();
  });

  it('never puts more than the limit into one batch', async () => {
    const sizes: number[] = [];
    const batcher = new ObservationBatcher(async (observations) => void sizes.push(observations.length), 3, silent);
    await Promise.all(Array.from({ length: 10 }, (_, index) => batcher.add([seen(String(index))])));
    expect(sizes).toEqual([3, 3, 3, 1]);
  });
});
