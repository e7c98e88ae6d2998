import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { afterEach, beforeEach, expect, it } from 'vitest';

import { progressOf, progressTicks, ProgressWatch } from './progress.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'argosy-progress-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it.each([
  ['1/10\n', '1/10'],
  ['1/10\n2/10\n', '2/10'],
  ['2/10\nnoise', undefined],
  ['11/10', undefined],
  ['', undefined],
])('reads %j as %j', (text, progress) => {
  expect(progressOf(text)).toBe(progress);
});

it('takes the ticks of the container, and those of Argo where they are none', () => {
  expect(progressTicks([])).toEqual({ lookMs: 3_000, reportMs: 60_000 });
  const tick = (value: string) => progressTicks([{ name: 'ARGO_PROGRESS_PATCH_TICK_DURATION', value }]).reportMs;
  expect([tick('1m30s'), tick('soon'), tick('0s')]).toEqual([90_000, 60_000, 60_000]);
});

it('reports at its ticks what the file said at the last look', () => {
  const file = path.join(folder, 'progress');
  const watch = new ProgressWatch(() => file, { lookMs: 10, reportMs: 100 });
  expect(watch.look(0)).toBe(false);
  writeFileSync(file, '1/3');
  expect([watch.look(50), watch.reported]).toEqual([false, undefined]);
  expect([watch.look(100), watch.reported]).toEqual([true, '1/3']);
  expect(watch.look(200)).toBe(false);
  writeFileSync(file, '2/3');
  expect([watch.look(250), watch.look(300), watch.reported]).toEqual([false, true, '2/3']);
});
