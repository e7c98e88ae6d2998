import { describe, expect, it } from 'vitest';

import { eventually, quietLogger } from '#libs/testing';
import { TransientError, UserError } from '#libs/workflow-spec';

import { BudgetKeeper } from './budget-keeper.js';

const key = { uid: 'u', namespace: 'lab', name: 'w' };
const budget = { minAvailable: 9999 };

const keeperWith = (fails: (call: string, times: number) => Error | undefined = () => undefined) => {
  const calls: string[] = [];
  const take = (call: string): Promise<void> => {
    calls.push(call);
    const error = fails(call, calls.filter((other) => other === call).length);
    return error === undefined ? Promise.resolve() : Promise.reject(error);
  };
  const keeper = new BudgetKeeper({
    objects: {
      makeBudget: ({ name }, written) => take(`make ${name} ${JSON.stringify(written)}`),
      removeBudget: ({ name }) => take(`remove ${name}`),
    },
    logger: quietLogger,
    firstPauseMs: 1,
  });
  return { keeper, calls };
};
const MADE = 'make w {"minAvailable":9999}';

describe('BudgetKeeper', () => {
  it('makes a budget once while its workflow runs, and removes it when it ends', async () => {
    const { keeper, calls } = keeperWith();
    keeper.committed({ key, phase: '', budget });
    keeper.committed({ key, phase: 'Running', budget });
    keeper.committed({ key, phase: 'Running', budget });
    await eventually(() => calls.length === 1, 'it is made');
    keeper.committed({ key, phase: 'Running', budget });
    keeper.committed({ key, phase: 'Failed', budget });
    await eventually(() => calls.length === 2, 'it is removed');
    expect(calls).toEqual([MADE, 'remove w']);
  });

  it('has nothing to do with workflows that want none', () => {
    const { keeper, calls } = keeperWith();
    keeper.committed({ key, phase: 'Running', budget: undefined });
    keeper.committed({ key, phase: 'Succeeded', budget: undefined });
    expect(calls).toEqual([]);
  });

  it('tries again while the cluster is away, and makes none that is not wanted any more', async () => {
    const { keeper, calls } = keeperWith((_call, times) => (times < 3 ? new TransientError('away') : undefined));
    keeper.committed({ key, phase: 'Running', budget });
    await eventually(() => calls.length === 3, 'it is made');
    keeper.committed({ key, phase: 'Succeeded', budget });
    await eventually(() => calls.length === 6, 'it is removed');
    expect(calls).toEqual([MADE, MADE, MADE, 'remove w', 'remove w', 'remove w']);
  });

  it('does not ask again for what is refused', async () => {
    const { keeper, calls } = keeperWith((call) => (call.startsWith('make') ? new UserError('no') : undefined));
    keeper.committed({ key, phase: 'Running', budget });
    await eventually(() => calls.length === 1, 'it is refused');
    keeper.committed({ key, phase: 'Running', budget });
    keeper.committed({ key, phase: 'Succeeded', budget });
    await eventually(() => calls.length === 2, 'it is removed');
    expect(calls).toEqual([MADE, 'remove w']);
  });
});
