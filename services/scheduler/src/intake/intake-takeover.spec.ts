import { describe, expect, it } from 'vitest';
import { quietLogger } from '#libs/testing';
import { IntakeWorld, object, wanting } from './intake-world.js';

const world = () => new IntakeWorld(quietLogger);

describe('taking in what others have begun', () => {
  it('takes over what has a status but no rows here, once, and does not begin it', async () => {
    const { intake, rows, taken, requests } = world();
    const stopped = { suspend: false, shutdown: 'Stop' };
    await intake.take(object('a', { hasStatus: true, controls: stopped }, { spec: { shutdown: 'Stop' } }));
    await intake.take(object('a', { hasStatus: true, controls: stopped }, { spec: { shutdown: 'Stop' } }));
    expect([rows.size, taken, requests.size]).toEqual([0, ['a'], 0]);
  });

  it('looks again at a workflow that another controller still has, and leaves one alone that cannot be read', async () => {
    const { intake, taken, takeovers, rivals } = world();
    takeovers.set('b', 'held');
    await intake.take(object('b', { hasStatus: true }));
    takeovers.set('a', 'waits');
    rivals.isAlive = true;
    await intake.take(object('a', { hasStatus: true }));
    await intake.retryWaiting();
    rivals.isAlive = false;
    takeovers.set('a', 'taken');
    await intake.retryWaiting();
    expect([intake.isOutdated, taken]).toEqual([true, ['b', 'a']]);
    intake.begin(false);
    await intake.take(object('a', { hasStatus: true }));
    await intake.retryWaiting();
    expect(taken).toEqual(['b', 'a', 'a']);
  });

  it('takes in others while the nodes of one cannot be read, and looks again: soon where their database is away, seldom where they are not in it', async () => {
    const { intake, rows, taken, takeovers, now } = world();
    takeovers.set('a', 'away');
    takeovers.set('b', 'missing');
    for (const uid of ['a', 'b']) await intake.take(object(uid, { hasStatus: true }));
    await intake.take(object('c'));
    await intake.retryWaiting();
    expect([[...rows.keys()], taken, intake.isOutdated]).toEqual([['c'], ['a', 'b', 'a'], false]);
    now.ms += 31_000;
    takeovers.clear();
    await intake.retryWaiting();
    await intake.retryWaiting();
    expect(taken).toEqual(['a', 'b', 'a', 'a', 'b']);
  });

  it('lets rows that are behind an object wait while it cannot be read, and nobody else', async () => {
    const { intake, rows, confirmed, unreadable } = world();
    rows.set('a', { workflow: { submitted: object('a').workflow, createdAtMs: 1 }, deleted: false });
    unreadable.add('a');
    await intake.take(object('a', { hasStatus: true, recordVersion: 7 }));
    await intake.take(wanting('b', undefined, {}));
    expect([rows.has('b'), confirmed]).toEqual([true, ['a 7']]);
    unreadable.clear();
    await intake.retryWaiting();
    await intake.retryWaiting();
    expect(confirmed).toEqual(['a 7', 'a 7']);
  });

  it('has rows that are there compared once with what their object shows', async () => {
    const { intake, rows, confirmed } = world();
    rows.set('a', { workflow: { submitted: object('a').workflow, createdAtMs: 1 }, deleted: false });
    await intake.take(object('a', { hasStatus: true, recordVersion: 7 }));
    await intake.take(object('a', { hasStatus: true, recordVersion: 8 }));
    expect(confirmed).toEqual(['a 7']);
  });
});
