import { describe, expect, it } from 'vitest';
import { claimProblem } from './claim-rules.js';

const resources = { requests: { storage: '1Gi' } };

describe('a claim', () => {
  it.each([
    [{ accessModes: ['ReadWriteOnce'], resources }, undefined],
    [{ resources }, 'spec.accessModes: Required value: at least 1 access mode is required'],
    [{ accessModes: ['ReadWriteOnce'] }, 'spec.resources[storage]: Required value'],
    [
      { accessModes: ['ReadWriteOncePod', 'ReadWriteOnce'], resources },
      'spec.accessModes: Forbidden: may not use ReadWriteOncePod with other access modes',
    ],
    [
      { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '0' } } },
      'spec.resources[storage]: Invalid value: "0": must be greater than zero',
    ],
    [{}, '[spec.accessModes: Required value: at least 1 access mode is required, spec.resources[storage]: Required value]'],
  ])('%j', (spec, problem) => {
    expect(claimProblem('work', spec)).toBe(
      problem === undefined ? undefined : `PersistentVolumeClaim "work" is invalid: ${problem}`,
    );
  });
});
