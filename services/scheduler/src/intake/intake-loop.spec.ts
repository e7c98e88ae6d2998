import { describe, expect, it } from 'vitest';
import type { RivalController, WorkflowObjectEvent } from '#libs/resources';
import { eventually, quietLogger } from '#libs/testing';
import { IntakeLoop } from './intake-loop.js';

/** A loop over these events; gives what was done and what was warned of. */
const followed = async (events: WorkflowObjectEvent[], rival: () => Promise<RivalController | undefined>) => {
  const done: string[] = [];
  const warned: string[] = [];
  const note = (text: string) => () => Promise.resolve(void done.push(text));
  const loop = new IntakeLoop({
    objects: {
      follow: async function* ({ signal }) {
        yield* events;
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
      },
    },
    intake: {
      begin: (sawRival) => void done.push(sawRival ? 'begin beside another' : 'begin'),
      isOutdated: false,
      take: (_object, isNext) => note(`take ${String(isNext)}`)(),
      leave: note('leave'),
      retryWaiting: () => Promise.resolve(),
      removeMissing: note('removeMissing'),
    },
    lease: { run: (_name, work) => work() },
    rival,
    logger: { ...quietLogger, warn: (message) => void warned.push(message) },
    intervalMs: 5,
  });
  loop.start();
  await eventually(() => done.length === events.length + 1, 'all events are taken');
  await loop.stop();
  return { done, warned };
};

describe('IntakeLoop', () => {
  it('takes events in their order, and says of each whether it is the next one', async () => {
    const key = { uid: 'a', name: 'w', namespace: 'lab' };
    const present = { type: 'present' as const, object: { key } as never };
    const events: WorkflowObjectEvent[] = [
      { ...present, isNext: false },
      { type: 'synced' },
      { ...present, isNext: true },
      { type: 'deleted', key },
    ];
    const { done, warned } = await followed(events, () => Promise.resolve(undefined));
    expect(done).toEqual(['begin', 'take false', 'removeMissing', 'take true', 'leave']);
    expect(warned).toEqual([]);
  });

  it('warns of a controller of Argo that is alive, and follows all the same', async () => {
    const alive = await followed([{ type: 'synced' }], () => Promise.resolve({ holder: 'argo-1', untilMs: 1 }));
    expect(alive.warned).toEqual([expect.stringContaining('a controller of Argo is alive')]);
    const unknown = await followed([{ type: 'synced' }], () => Promise.reject(new Error('forbidden')));
    expect(alive.done).toEqual(['begin beside another', 'removeMissing']);
    expect(unknown).toEqual({ done: ['begin', 'removeMissing'], warned: [] });
  });

  it('lists again at once when what it began with is outdated, and ends between', async () => {
    const lists: string[] = [];
    let isOutdated = false;
    const loop = new IntakeLoop({
      objects: {
        follow: async function* ({ signal }) {
          yield { type: 'synced' as const };
          await new Promise((resolve) => signal.addEventListener('abort', resolve));
        },
      },
      intake: {
        begin: (sawRival) => {
          lists.push(sawRival ? 'beside another' : 'alone');
          isOutdated = false;
        },
        get isOutdated() {
          return isOutdated;
        },
        take: () => Promise.resolve(),
        leave: () => Promise.resolve(),
        retryWaiting: () => {
          isOutdated = lists.length === 1;
          return Promise.resolve();
        },
        removeMissing: () => Promise.resolve(),
      },
      lease: { run: (_name, work) => work() },
      rival: () => Promise.resolve(lists.length === 0 ? { holder: 'argo-1', untilMs: 1 } : undefined),
      logger: quietLogger,
      intervalMs: 5,
    });
    loop.start();
    await eventually(() => lists.length === 2, 'a second list');
    await loop.stop();
    expect(lists).toEqual(['beside another', 'alone']);
  });
});
