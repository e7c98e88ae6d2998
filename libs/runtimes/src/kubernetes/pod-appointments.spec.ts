import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { quietLogger } from '#libs/testing';

import { PodAppointments } from './pod-appointments.js';

describe('what is to be done with pods', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  const opened = (failures = 0) => {
    const done: string[] = [];
    const act = (what: string) => (): Promise<void> => {
      done.push(what);
      return done.length > failures ? Promise.resolve() : Promise.reject(new Error('connection refused'));
    };
    return { done, act, appointments: new PodAppointments({ about: 'a pod cannot be ended', logger: quietLogger }) };
  };

  it('is done at its time, the first that was set', async () => {
    const { done, act, appointments } = opened();
    appointments.later('a', 2_000, act('first'));
    appointments.later('a', 100, act('second'));
    await vi.advanceTimersByTimeAsync(1_999);
    expect(done).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(done).toEqual(['first']);
  });

  it('is done once where it is asked for at once and later', async () => {
    const { done, act, appointments } = opened();
    appointments.later('a', 100, act('later'));
    appointments.now('a', act('now'));
    appointments.now('a', act('again'));
    await vi.advanceTimersByTimeAsync(10_000);
    expect(done).toEqual(['now']);
  });

  it('is tried again while the API server is away', async () => {
    const { done, act, appointments } = opened(2);
    appointments.now('a', act('a'));
    await vi.advanceTimersByTimeAsync(10_000);
    expect(done).toEqual(['a', 'a', 'a']);
  });

  it('is not done any more after the end of the runtime', async () => {
    const { done, act, appointments } = opened(1);
    appointments.later('a', 100, act('a'));
    appointments.now('b', act('b'));
    appointments.close();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(done).toEqual(['b']);
  });
});
