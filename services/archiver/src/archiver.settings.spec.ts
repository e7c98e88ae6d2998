import { describe, expect, it } from 'vitest';
import { loadConfig } from '#libs/config';
import { configSchema } from './archiver.config.js';
import { archiverSettings } from './archiver.settings.js';

const settingsOf = (environment: Record<string, string>) =>
  archiverSettings(loadConfig(configSchema, { DATABASE_URL: 'postgres://a', REDIS_URL: 'redis://a', ...environment }));

describe('the variables of the archiver', () => {
  it('archive everything for ever, looked through once a day, where nothing is given', () => {
    expect(settingsOf({})).toMatchObject({ enabled: true, labels: [], ttlMs: undefined, expiryIntervalMs: 86_400_000 });
  });

  it('say what is archived, how long it is kept and how often that is looked for', () => {
    const environment = { ARCHIVE_LABEL_SELECTOR: 'team in (a,b),n>3', ARCHIVE_TTL: '30d', ARCHIVED_WORKFLOW_GC_PERIOD: '90m' };
    expect(settingsOf(environment)).toMatchObject({
      labels: [
        { key: 'team', operator: 'in', values: ['a', 'b'] },
        { key: 'n', operator: 'gt', value: 3 },
      ],
      ttlMs: 30 * 86_400_000,
      expiryIntervalMs: 5_400_000,
    });
  });
});
