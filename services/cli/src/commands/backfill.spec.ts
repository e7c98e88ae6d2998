import { describe, expect, it } from 'vitest';
import type { CronWorkflow } from '#libs/workflow-spec';
import { UsageError } from '../client/errors.js';
import { type BackfillOptions, backfillRuns } from './backfill.js';

const CRON: CronWorkflow = {
  metadata: { name: 'daily', namespace: 'argo', uid: 'u' },
  spec: {
    schedules: ['0 2 * * *'],
    timezone: 'Europe/Berlin',
    workflowMetadata: { labels: { team: 'red' } },
    workflowSpec: { workflowTemplateRef: { name: 'job' }, arguments: { parameters: [{ name: 'date', value: 'yesterday' }] } },
  },
};
const OPTIONS: BackfillOptions = {
  start: '2024-03-30',
  end: '2024-04-01T12:00:00Z',
  argname: 'date',
  format: '2006-01-02',
  maxCount: 10,
};

describe('a backfill', () => {
  it('has one workflow for each tick, with the time of the tick as a parameter', () => {
    const runs = backfillRuns(CRON, OPTIONS);
    expect(runs.map(({ metadata, spec }) => [metadata.name, spec.arguments?.parameters])).toEqual([
      ['daily-backfill-1711760400', [{ name: 'date', value: '2024-03-30' }]],
      // At two in the morning of the 31st the clocks are set forward: that day has no such tick.
      ['daily-backfill-1711929600', [{ name: 'date', value: '2024-04-01' }]],
    ]);
  });

  it('carries its own label and not that of the CronWorkflow, whose limits are not about it', () => {
    const [run] = backfillRuns(CRON, { ...OPTIONS, name: 'repair' });
    expect(run?.metadata).toMatchObject({
      labels: { team: 'red', 'workflows.argoproj.io/backfill': 'repair' },
      annotations: { 'workflows.argoproj.io/scheduled-time': '2024-03-30T01:00:00Z' },
    });
    expect(run?.metadata.labels).not.toHaveProperty('workflows.argoproj.io/cron-workflow');
    expect(run?.metadata.ownerReferences).toBeUndefined();
  });

  it('refuses times that it cannot read, an end before the start, and more workflows than allowed', () => {
    expect(() => backfillRuns(CRON, { ...OPTIONS, start: 'monday' })).toThrow(UsageError);
    expect(() => backfillRuns(CRON, { ...OPTIONS, end: '2024-03-01' })).toThrow('--end is before --start');
    expect(() => backfillRuns(CRON, { ...OPTIONS, maxCount: 1 })).toThrow('more than 1 ticks');
  });
});
