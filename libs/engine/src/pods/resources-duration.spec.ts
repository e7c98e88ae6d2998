import { describe, expect, it } from 'vitest';
import { resourcesDurationOf } from './resources-duration.js';

describe('the resources that a pod has used', () => {
  it('are its requests times its time, and a second of memory at least', () => {
    expect(resourcesDurationOf({ container: { image: 'a' } }, 500)).toEqual({ cpu: 0, memory: 1 });
    const resources = { requests: { cpu: 2, memory: '200Mi' } };
    expect(resourcesDurationOf({ container: { image: 'a', resources } }, 10_000)).toEqual({ cpu: 20, memory: 20 });
  });

  it('add up over sidecars', () => {
    const template = { container: { image: 'a' }, sidecars: [{ name: 's', resources: { requests: { cpu: '1' } } }] };
    expect(resourcesDurationOf(template, 10_000)).toEqual({ cpu: 11, memory: 20 });
  });

  it('count for a member of a set only while it ran', () => {
    const template = { containerSet: { containers: [{ name: 'a' }, { name: 'b' }] } };
    const reports = [{ name: 'a', phase: 'Succeeded', startedAtMs: 0, finishedAtMs: 3_000 } as const];
    expect(resourcesDurationOf(template, 10_000, reports)).toEqual({ cpu: 1, memory: 13 });
  });
});
