import { describe, expect, it } from 'vitest';

import { playSim } from './sim-program.js';

describe('the program sim', () => {
  it.each([
    [[], 0],
    [['exit=3'], 3],
    [['exit=300'], 44],
    [['exit=oops'], 2],
    [['exit='], 2],
    [['failuntil=2', 'attempt=1'], 1],
    [['failuntil=2', 'attempt=2'], 0],
    [['failuntil=2', 'attempt={{retries}}'], 1],
    [['failuntil=2', 'attempt=2', 'exit=7'], 7],
    [['failuntil=never', 'exit=5'], 5],
  ])('ends %j with %i', (args, exitCode) => {
    expect(playSim(args).exitCode).toBe(exitCode);
  });

  it('prints, writes and takes its time, whatever the exit code', () => {
    expect(playSim(['result=a=b', 'out.p0=x y', 'out.p1=', 'ms=20', 'exit=1', 'unknown'])).toEqual({
      exitCode: 1,
      lines: ['a=b'],
      files: new Map([
        ['/tmp/p0', 'x y'],
        ['/tmp/p1', ''],
      ]),
      durationMs: 20,
    });
  });
});
