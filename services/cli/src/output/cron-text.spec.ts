import { describe, expect, it } from 'vitest';
import { cronTable, cronText } from './cron-text.js';

const NOW = Date.parse('2024-03-01T10:05:00Z');
const cron = {
  metadata: { name: 'tick', namespace: 'argo', creationTimestamp: '2024-03-01T09:00:00Z' },
  spec: { schedules: ['0 * * * *', '30 * * * *'], timezone: 'Asia/Kolkata', concurrencyPolicy: 'Forbid' },
  status: { lastScheduledTime: '2024-03-01T10:00:00Z', active: [{ name: 'tick-1' }], phase: 'Active', failed: 2 },
};

describe('CronWorkflows as text', () => {
  it('are a table with the next tick of any schedule', () => {
    expect(cronTable([cron, { ...cron, spec: { ...cron.spec, suspend: true } }], NOW).split('\n')).toEqual([
      'NAME  AGE  LAST RUN  NEXT RUN  SCHEDULES             TIMEZONE      SUSPENDED',
      'tick  1h   5m        25m       0 * * * *,30 * * * *  Asia/Kolkata  false',
      'tick  1h   5m        N/A       0 * * * *,30 * * * *  Asia/Kolkata  true',
    ]);
  });

  it('are shown one by one with what is known of them', () => {
    expect(cronText(cron, NOW).split('\n')).toEqual([
      'Name:                          tick',
      'Namespace:                     argo',
      'Created:                       Fri Mar 01 09:00:00 +0000 (1 hour ago)',
      'Schedules:                     0 * * * *,30 * * * *',
      'Timezone:                      Asia/Kolkata',
      'Suspended:                     false',
      'ConcurrencyPolicy:             Forbid',
      'LastScheduledTime:             Fri Mar 01 10:00:00 +0000 (5 minutes ago)',
      'NextScheduledTime:             Fri Mar 01 10:30:00 +0000 (25 minutes from now)',
      'Phase:                         Active',
      'Failed:                        2',
      'Active Workflows:              tick-1',
    ]);
  });

  it('have no next tick where their schedules cannot be read', () => {
    expect(cronTable([{ metadata: { name: 'a' }, spec: { schedules: ['nonsense'] } }], NOW)).toContain('N/A');
  });
});
