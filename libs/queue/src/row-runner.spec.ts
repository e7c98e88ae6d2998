import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { RowNotBegunError } from './errors.js';
import { RowRunner } from './row-runner.js';

const runnerOf = (run: (payload: unknown) => Promise<void>, concurrency = 4, newestSequence = (): number => 0): RowRunner =>
  new RowRunner({ run, concurrency, newestSequence });

describe('RowRunner', () => {
  it('settles each delivery with a run that began after it', async () => {
    const started: string[] = [];
    let finish: () => void = () => undefined;
    const runner = runnerOf(async (payload) => {
      started.push(String(payload));
      if (started.length === 1) await new Promise<void>((resolve) => (finish = resolve));
    });
    const first = runner.deliver('k', 'one');
    await Promise.resolve().then(() => undefined);
    const second = runner.deliver('k', 'two');
    const third = runner.deliver('k', 'three');
    expect(third).toBe(second);
    finish();
    await Promise.all([first, second]);
    expect(started).toEqual(['one', 'three']);
  });

  it('runs a row again although its run failed', async () => {
    let runs = 0;
    const runner = runnerOf(async () => {
      runs += 1;
      if (runs === 1) throw new Error('first');
    });
    const first = runner.deliver('k', undefined);
    await expect(first).rejects.toThrow('first');
    await runner.deliver('k', undefined);
    expect(runs).toBe(2);
  });

  it('lets the run in progress end and begins no other once it is closing', async () => {
    const began: unknown[] = [];
    let finish: () => void = () => undefined;
    const runner = runnerOf(async (payload) => {
      began.push(payload);
      await new Promise<void>((resolve) => (finish = resolve));
    }, 1);
    const running = runner.deliver('a', 1);
    await new Promise((resolve) => setImmediate(resolve));
    const waiting = runner.deliver('b', 2);
    const closed = runner.close();
    finish();
    await Promise.all([running, expect(waiting).rejects.toThrow(RowNotBegunError), closed]);
    await expect(runner.deliver('c', 3)).rejects.toThrow(RowNotBegunError);
    expect(began).toEqual([1]);
  });

  it('says that a run has seen the hints made before it began, and none of the later ones', async () => {
    let sequence = 5;
    const runner = runnerOf(
      async () => undefined,
      1,
      () => sequence,
    );
    await runner.deliver('k', undefined);
    sequence = 6;
    expect(runner.hasSeen('k', 5)).toBe(true);
    expect(runner.hasSeen('k', 6)).toBe(false);
    expect(runner.hasSeen('other', 1)).toBe(false);
  });

  it('never runs a key twice at once, never more rows than allowed, and ends with every row having read its last event', async () => {
    const events = fc.array(fc.record({ key: fc.integer({ min: 0, max: 4 }), pauses: fc.integer({ min: 0, max: 3 }) }), {
      maxLength: 60,
    });
    await fc.assert(
      fc.asyncProperty(events, fc.integer({ min: 1, max: 3 }), async (script, concurrency) => {
        const written = new Map<string, number>();
        const read = new Map<string, number>();
        const active = new Set<string>();
        let broken = '';
        const runner = runnerOf(async (payload) => {
          const { key, pauses } = payload as { key: string; pauses: number };
          if (active.has(key)) broken = 'overlap';
          active.add(key);
          if (active.size > concurrency) broken = 'too many';
          read.set(key, written.get(key) ?? 0);
          for (let i = 0; i < pauses; i += 1) await Promise.resolve();
          active.delete(key);
        }, concurrency);
        for (const { key, pauses } of script) {
          const name = `k${key}`;
          written.set(name, (written.get(name) ?? 0) + 1);
          void runner.deliver(name, { key: name, pauses });
          for (let i = 0; i < pauses; i += 1) await Promise.resolve();
        }
        await runner.whenIdle();
        expect(broken).toBe('');
        expect(read).toEqual(written);
      }),
      { numRuns: 200 },
    );
  });
});
