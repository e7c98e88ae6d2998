import { describe, expect, it } from 'vitest';

import { quietLogger } from '#libs/testing';
import { TransientError, UserError } from '#libs/workflow-spec';

import { GivenUpError } from './errors.js';
import { untilPossible, waitMessage } from './patience.js';

const patience = { what: 'stage', pod: 'pod', signal: new AbortController().signal, logger: quietLogger };
const away = (): Promise<never> => Promise.reject(new TransientError('the store is away'));

describe('untilPossible', () => {
  it('tries again while what is needed is away', async () => {
    let tried = 0;
    const found = untilPossible(patience, () => ((tried += 1) === 1 ? away() : Promise.resolve('here')));
    await expect(found).resolves.toBe('here');
  });

  it('tells what it waits for when that takes more than a moment', async () => {
    const told: string[] = [];
    const answers = ['one', 'two', 'three', 'four'];
    const attempt = (): Promise<string> => {
      const reason = answers.shift();
      return reason === undefined ? Promise.resolve('here') : Promise.reject(new TransientError(reason));
    };
    await untilPossible({ ...patience, tell: (reason) => told.push(waitMessage('stage', reason)) }, attempt);
    expect(told).toEqual(['waits until it has its inputs: four']);
  });

  it('ends with what the attempt said where that will not change', async () => {
    await expect(untilPossible(patience, () => Promise.reject(new UserError('no such key')))).rejects.toThrow('no such key');
  });

  it('gives up with the last words of what is away, once the pod is asked to end', async () => {
    const found = untilPossible({ ...patience, isAskedToEnd: () => true }, away);
    await expect(found).rejects.toThrow(new GivenUpError('the store is away'));
  });
});
