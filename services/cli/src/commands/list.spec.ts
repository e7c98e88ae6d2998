import { describe, expect, it } from 'vitest';
import { UsageError } from '../client/errors.js';
import { durationMs, queryOf } from './list.js';

const NOW_MS = Date.UTC(2026, 0, 10);
const set = (query: object): object => Object.fromEntries(Object.entries(query).filter(([, value]) => value !== undefined));

describe('queryOf', () => {
  it('is empty without flags', () => {
    expect(set(queryOf({}, NOW_MS))).toEqual({});
  });

  it('says phases, completion and resubmission as labels, beside those that are given', () => {
    const flags = { selector: 'team=red', completed: true, running: true, resubmitted: true, status: ['Failed', 'Error'] };
    const prefix = 'workflows.argoproj.io/';
    expect(set(queryOf(flags, NOW_MS, 'blue'))).toEqual({
      'listOptions.labelSelector': `team=red,${prefix}completed=true,${prefix}completed!=true,${prefix}resubmitted-from-workflow,${prefix}phase in (Failed,Error),${prefix}controller-instanceid=blue`,
    });
  });

  it('says a prefix as the name and how it is compared', () => {
    expect(set(queryOf({ prefix: 'build-', fieldSelector: 'metadata.namespace=a' }, NOW_MS))).toEqual({
      'listOptions.fieldSelector': 'metadata.namespace=a,metadata.name=build-',
      nameFilter: 'Prefix',
    });
  });

  it('turns ages into times', () => {
    expect(set(queryOf({ since: '1h', older: '7d' }, NOW_MS))).toEqual({
      createdAfter: '2026-01-09T23:00:00.000Z',
      finishedBefore: '2026-01-03T00:00:00.000Z',
    });
  });

  it('refuses what is no length of time', () => {
    expect(() => durationMs('--since', 'soon')).toThrow(
      new UsageError('--since takes a duration such as 30m, 10h or 7d, not soon'),
    );
  });
});
