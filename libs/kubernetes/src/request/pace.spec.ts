import { describe, expect, it } from 'vitest';
import { Pace } from './pace.js';

const answered = { kind: 'answered', latencyMs: 5 } as const;

describe('Pace', () => {
  it('lets in as many as its window has places, the others in their order', async () => {
    const pace = new Pace({ initial: 2 });
    const first = await pace.enter();
    await pace.enter();
    const order: string[] = [];
    const third = pace.enter().then((leave) => (order.push('third'), leave));
    const fourth = pace.enter().then((leave) => (order.push('fourth'), leave));
    await Promise.resolve();
    expect(order).toEqual([]);
    first({ kind: 'failed' });
    (await third)({ kind: 'failed' });
    await fourth;
    expect(order).toEqual(['third', 'fourth']);
  });

  it('lets patient callers in behind all others', async () => {
    const pace = new Pace({ initial: 1 });
    const first = await pace.enter();
    const order: string[] = [];
    const waiting = [
      pace.enter(undefined, true).then((leave) => (order.push('patient'), leave)),
      pace.enter().then((leave) => (order.push('urgent'), leave)),
      pace.enter(undefined, true).then((leave) => (order.push('patient too'), leave)),
    ];
    first({ kind: 'failed' });
    for (const index of [1, 0, 2]) (await waiting[index])?.({ kind: 'failed' });
    expect(order).toEqual(['urgent', 'patient', 'patient too']);
  });

  it('grows by about one for each full window of quick answers, up to its maximum', async () => {
    const pace = new Pace({ initial: 2, max: 4 });
    const round = async () => {
      const leaves = await Promise.all(Array.from({ length: Math.floor(pace.size) }, () => pace.enter()));
      for (const leave of leaves) leave(answered);
    };
    await round();
    expect(pace.size).toBeGreaterThan(2.3);
    for (let count = 0; count < 40; count += 1) await round();
    expect(pace.size).toBe(4);
  });

  it('does not grow while it is not full', async () => {
    const pace = new Pace({ initial: 8 });
    for (let count = 0; count < 50; count += 1) (await pace.enter())(answered);
    expect(pace.size).toBe(8);
  });

  it('halves once for a burst of refusals, and sends nothing before the time that the server names', async () => {
    let nowMs = 10_000;
    const pace = new Pace({ initial: 8, nowMs: () => nowMs });
    const leaves = await Promise.all([pace.enter(), pace.enter(), pace.enter()]);
    for (const leave of leaves) leave({ kind: 'busy', retryAfterMs: 20 });
    expect(pace.size).toBe(4);
    let isIn = false;
    const entered = pace.enter().then(() => (isIn = true));
    await Promise.resolve();
    expect(isIn).toBe(false);
    nowMs += 21;
    await entered;
  });

  it('lets in whoever came at the very end of a pause', async () => {
    let nowMs = 10_000;
    let stepMs = 0;
    const pace = new Pace({ initial: 8, nowMs: () => (nowMs += stepMs) });
    (await pace.enter())({ kind: 'busy', retryAfterMs: 20 });
    // Over between one look at the clock and the next.
    nowMs = 10_018.5;
    stepMs = 1;
    const leave = await pace.enter();
    leave(answered);
  });

  it('halves where answers become slow, down to one', async () => {
    let nowMs = 0;
    const pace = new Pace({ initial: 8, nowMs: () => nowMs });
    (await pace.enter())(answered);
    for (let count = 0; count < 10; count += 1) {
      nowMs += 2_000;
      (await pace.enter())({ kind: 'answered', latencyMs: 1_000 });
    }
    expect(pace.size).toBe(1);
  });

  it('grows again where answers stay slow with one request at a time: it is not that which slows the server', async () => {
    let nowMs = 0;
    const pace = new Pace({ initial: 8, nowMs: () => nowMs });
    (await pace.enter())(answered);
    const slowAnswers = async (count: number): Promise<void> => {
      for (let index = 0; index < count; index += 1) {
        const leaves = await Promise.all(Array.from({ length: Math.floor(pace.size) }, () => pace.enter()));
        nowMs += 1_000;
        for (const leave of leaves) leave({ kind: 'answered', latencyMs: 1_000 });
      }
    };
    await slowAnswers(10);
    expect(pace.size).toBe(1);
    await slowAnswers(40);
    expect(pace.size).toBeGreaterThan(4);
  });

  it('lets a caller leave the queue', async () => {
    const pace = new Pace({ initial: 1 });
    const leave = await pace.enter();
    const ending = new AbortController();
    const waiting = pace.enter(ending.signal);
    ending.abort();
    await expect(waiting).rejects.toThrow(/abort/i);
    leave(answered);
    await pace.enter();
  });
});
