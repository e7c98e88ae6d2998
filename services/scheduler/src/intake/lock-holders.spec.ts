import { describe, expect, it } from 'vitest';
import type { WorkflowObject } from '#libs/resources';
import { type StoredWorkflow, WorkflowExistsError } from '#libs/store';
import { TransientError } from '#libs/workflow-spec';
import { LockHolders } from './lock-holders.js';
import { NodesAwayError } from './offloaded-nodes.js';
import type { TakeoverOutcome } from './takeover.service.js';

const holder = (uid: string, changes: Partial<WorkflowObject> = {}): WorkflowObject =>
  ({ key: { uid, name: uid, namespace: 'lab' }, recordVersion: 7, isDeleting: false, ...changes }) as WorkflowObject;

const world = (objects: WorkflowObject[], rows: string[] = []) => {
  const done: string[] = [];
  const lines: string[] = [];
  const now = { ms: 0 };
  const outcomes: { takeOver: () => Promise<TakeoverOutcome>; confirm: () => Promise<'overtaken'> } = {
    takeOver: () => Promise.resolve('taken'),
    confirm: () => Promise.resolve('overtaken'),
  };
  let lists = 0;
  const holders = new LockHolders({
    objects: {
      holders: async function* () {
        lists += 1;
        await Promise.resolve();
        yield* objects;
      },
    },
    workflows: { getByUid: (uid) => Promise.resolve(rows.includes(uid) ? ({ uid } as StoredWorkflow) : undefined) },
    takeover: {
      confirm: (key, shown) => (done.push(`confirm ${key.uid} ${shown ?? ''}`), outcomes.confirm()),
      takeOver: ({ key }) => (done.push(`take ${key.uid}`), outcomes.takeOver()),
    },
    clock: { nowMs: () => now.ms },
    logger: { warn: (line: string) => void lines.push(line), info: (line: string) => void lines.push(line) },
  });
  return { holders, done, now, outcomes, lines, lists: () => lists };
};

describe('holders of locks', () => {
  it('are put right or taken in once, whoever asks; those of another controller and those that go without rows are not', async () => {
    const objects = [
      holder('a'),
      holder('b'),
      holder('argo', { recordVersion: undefined }),
      holder('gone', { isDeleting: true }),
    ];
    const { holders, done, lists } = world(objects, ['a']);
    await Promise.all([holders.settle(), holders.settle()]);
    await holders.settle();
    expect([done, lists()]).toEqual([['confirm a 7', 'take b'], 1]);
  });

  it.each([
    ['rows', ['a']],
    ['no rows', []],
  ])(
    'whose nodes cannot be read, with %s, keep everybody from getting a lock; that is looked at again after a while',
    async (_what, rows) => {
      const { holders, outcomes, now, lists, lines } = world([holder('a')], rows);
      outcomes.confirm = () => Promise.reject(new NodesAwayError('away'));
      outcomes.takeOver = () => Promise.resolve('away');
      await expect(holders.settle()).rejects.toThrow(TransientError);
      expect([await holders.areKnown(), lists()]).toEqual([false, 1]);
      now.ms += 1_000;
      outcomes.confirm = () => Promise.resolve('overtaken');
      outcomes.takeOver = () => Promise.resolve('taken');
      expect([await holders.areKnown(), lists()]).toEqual([true, 2]);
      expect(lines).toEqual(['no lock is given out, as not all who hold one are known', 'all who hold a lock are known']);
    },
  );

  it('keep nobody waiting where rows of another workflow have their name, or where they cannot be read for good', async () => {
    const { holders, outcomes } = world([holder('a')]);
    outcomes.takeOver = () => Promise.reject(new WorkflowExistsError('lab', 'a'));
    await holders.settle();
    const other = world([holder('a')]);
    other.outcomes.takeOver = () => Promise.resolve('held');
    await other.holders.settle();
  });
});
