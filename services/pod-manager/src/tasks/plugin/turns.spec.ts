import { expect, it, vi } from 'vitest';

import { Turns } from './turns.js';

const never = new AbortController().signal;

/** Works that end when they are told to, in the order in which they began. */
const gates = () => {
  const begun: string[] = [];
  const open = new Map<string, () => void>();
  const work = (name: string) => () => {
    begun.push(name);
    return new Promise<void>((resolve) => open.set(name, resolve));
  };
  /** Waits until the work has begun. */
  const end = async (name: string): Promise<void> => {
    await vi.waitFor(() => expect(begun).toContain(name));
    open.get(name)?.();
  };
  return { begun, work, end };
};

it('lets so many work at a time, and the others in the order in which they came', async () => {
  const turns = new Turns(2);
  const { begun, work, end } = gates();
  const all = ['a', 'b', 'c', 'd'].map((name) => turns.take(work(name), never));
  await end('b');
  await all[1];
  expect(begun).not.toContain('d');
  for (const name of ['c', 'd', 'a']) await end(name);
  await Promise.all(all);
  expect(begun).toEqual(['a', 'b', 'c', 'd']);
});

it('passes the turn on after a failure', async () => {
  const turns = new Turns(1);
  await expect(turns.take(() => Promise.reject(new Error('no')), never)).rejects.toThrow('no');
  expect(await turns.take(() => Promise.resolve('next'), never)).toBe('next');
});

it('forgets who gives up waiting', async () => {
  const turns = new Turns(1);
  const { begun, work, end } = gates();
  const giving = new AbortController();
  const first = turns.take(work('first'), never);
  const second = turns.take(work('second'), giving.signal);
  const third = turns.take(work('third'), never);
  giving.abort(new Error('given up'));
  await expect(second).rejects.toThrow('given up');
  await end('first');
  await first;
  await end('third');
  await third;
  expect(begun).toEqual(['first', 'third']);
  await expect(turns.take(work('late'), giving.signal)).rejects.toThrow('given up');
});
