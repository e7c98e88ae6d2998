import { describe, expect, it } from 'vitest';
import { quietLogger } from '#libs/testing';
import { TransientError } from '#libs/workflow-spec';
import { archiveExpiry } from './archive-expiry.js';

const HOUR_MS = 3_600_000;
const NOW_MS = 100 * HOUR_MS;

/** The moments before which a run deletes what has ended; `rows` of them are there. */
const cutsOf = async (ttlMs: () => Promise<number | undefined>, rows = 0): Promise<number[]> => {
  const cuts: number[] = [];
  let left = rows;
  const task = archiveExpiry({
    archive: {
      deleteFinishedBefore: (beforeMs, limit) => {
        cuts.push(beforeMs);
        const deleted = Math.min(left, limit);
        left -= deleted;
        return Promise.resolve(deleted);
      },
    },
    lease: { run: (_name, work) => work() },
    clock: { nowMs: () => NOW_MS },
    logger: quietLogger,
    intervalMs: HOUR_MS,
    ttlMs,
  });
  await task.run();
  expect(left).toBe(0);
  return cuts;
};

describe('the TTL of the archive', () => {
  it('deletes what has ended before, batch by batch', async () => {
    expect(await cutsOf(() => Promise.resolve(HOUR_MS), 1_200)).toEqual(Array(3).fill(NOW_MS - HOUR_MS));
  });

  it.each([undefined, 0])('keeps everything where it is %s', async (ttlMs) => {
    expect(await cutsOf(() => Promise.resolve(ttlMs))).toEqual([]);
  });

  it('deletes nothing while it is not known', async () => {
    expect(await cutsOf(() => Promise.reject(new TransientError('not known yet')))).toEqual([]);
  });
});
