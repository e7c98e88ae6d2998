import { describe, expect, it } from 'vitest';

import { isCutOff, mayHaveRun } from './cut-off-start.js';

const startError = (message: string) => ({ exitCode: 128, reason: 'StartError', message });

/** As containerd told them while its kubelet was killed again and again. */
describe('a start that failed', () => {
  it.each<[string, { isCutOff: boolean; mayHaveRun: boolean }]>([
    [
      'failed to create containerd task: failed to create shim task: context canceled: unknown',
      { isCutOff: true, mayHaveRun: false },
    ],
    [
      'failed to create containerd task: failed to start shim: start failed: : signal: killed: unknown',
      { isCutOff: true, mayHaveRun: false },
    ],
    ['failed to start containerd task "1a2b": context canceled: unknown', { isCutOff: true, mayHaveRun: true }],
    ['failed to create containerd task: mkdir /etc/passwd/x: not a directory: unknown', { isCutOff: false, mayHaveRun: false }],
  ])('%s', (message, expected) => {
    const end = startError(message);
    expect({ isCutOff: isCutOff(end), mayHaveRun: mayHaveRun(end) }).toEqual(expected);
  });

  it('is no end of another reason', () => {
    const end = { exitCode: 1, reason: 'Error', message: 'context canceled' };
    expect([isCutOff(end), mayHaveRun(end), isCutOff(undefined)]).toEqual([false, false, false]);
  });
});
