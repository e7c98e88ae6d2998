import { describe, expect, it } from 'vitest';
import { RecordingJobQueue, quietLogger } from '#libs/testing';
import type { ControllerConfig } from '#libs/workflow-spec';
import { expiryTimer } from './expiry-timer.js';

const ENDED = { Succeeded: ['s1', 's2', 's3'], Failed: ['f1', 'f2'], Error: ['e1'] };

/** The workflows whose deletion a run asks for; those that ended last stand last. */
const deletedBy = async (limits: ControllerConfig['retentionPolicy']): Promise<string[]> => {
  const deleted: string[] = [];
  const nothing = (): Promise<number> => Promise.resolve(0);
  await expiryTimer({
    retention: {
      dueTtl: () => Promise.resolve([]),
      beyondRetention: ({ phase, keep }) => {
        const ended = ENDED[phase as keyof typeof ENDED];
        return Promise.resolve(ended.slice(0, Math.max(0, ended.length - keep)));
      },
      markDeleted: (uid) => Promise.resolve(void deleted.push(uid)) as never,
    },
    pods: { purgeDeleted: nothing },
    requests: { prune: nothing },
    queue: new RecordingJobQueue(),
    clock: { nowMs: () => 0 },
    logger: quietLogger,
    intervalMs: 1_000,
    limits: () => limits,
  }).run();
  return deleted;
};

describe('the retention policy', () => {
  it('asks for the deletion of what is beyond its numbers', async () => {
    expect(await deletedBy({ completed: 1, failed: 2, errored: 5 })).toEqual(['s1', 's2']);
  });

  it('keeps all of a phase that it does not name, or has 0 for, as that is the same in Argo', async () => {
    expect(await deletedBy(undefined)).toEqual([]);
    expect(await deletedBy({ completed: 0, failed: 1 })).toEqual(['f1']);
  });
});
