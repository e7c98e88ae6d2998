import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';

import { afterAll, describe, expect, it } from 'vitest';

import {
  ConfigError,
  type ConfigProblem,
  configOf,
  describeConfig,
  duration,
  flag,
  integer,
  list,
  loadConfig,
  oneOf,
  optionalSecret,
  optionalText,
  programFields,
  queueLocation,
  requiredSecret,
  requiredText,
  size,
  text,
  variableOf,
} from './index.js';

const about = 'for the test';
const schema = configOf({
  apiUrl: requiredText({ about }),
  apiToken: requiredSecret({ about }),
  pollIntervalMs: duration({ about, byDefault: '10s' }),
  cacheSizeBytes: size({ about, byDefault: '64Mi' }),
  retryCount: integer({ about, byDefault: 3, max: 10 }),
  dryRun: flag({ about, byDefault: false }),
  mode: oneOf({ about, choices: ['fast', 'safe'], byDefault: 'safe' }),
  hosts: list({ about }),
  label: optionalText({ about }),
  title: text({ about, byDefault: 'Argosy' }),
});

const folder = mkdtempSync(join(tmpdir(), 'argosy-config-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function problemsOf(environment: Record<string, string>): readonly ConfigProblem[] {
  try {
    loadConfig(schema, environment);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe('loadConfig', () => {
  it('gives typed values and defaults', () => {
    const { apiToken, ...config } = loadConfig(schema, {
      API_URL: 'http://a',
      API_TOKEN: 't',
      HOSTS: 'a, b,,c',
      DRY_RUN: 'true',
      MODE: 'fast',
    });
    expect(config).toEqual({
      apiUrl: 'http://a',
      pollIntervalMs: 10_000,
      cacheSizeBytes: 64 * 2 ** 20,
      retryCount: 3,
      dryRun: true,
      mode: 'fast',
      hosts: ['a', 'b', 'c'],
      title: 'Argosy',
    });
    expect(apiToken.reveal()).toBe('t');
  });

  it.each([
    ['500ms', 500],
    ['1h30m', 5_400_000],
    ['1.5s', 1_500],
    ['0', 0],
    ['2d', 172_800_000],
  ])('reads the duration %s', (written, expected) => {
    expect(loadConfig(schema, { API_URL: 'u', API_TOKEN: 't', POLL_INTERVAL: written }).pollIntervalMs).toBe(expected);
  });

  it('names every variable that is wrong, all at once, without the values', () => {
    const problems = problemsOf({
      API_TOKEN: 't',
      POLL_INTERVAL: 'soon',
      CACHE_SIZE: '64 MB',
      RETRY_COUNT: '11',
      DRY_RUN: 'yes',
      MODE: 'slow',
    });
    expect(problems).toEqual([
      { variable: 'API_URL', problem: 'is required' },
      { variable: 'POLL_INTERVAL', problem: 'must be a duration such as 500ms, 10s or 1h30m' },
      { variable: 'CACHE_SIZE', problem: 'must be a size such as 512, 64Mi or 1G' },
      { variable: 'RETRY_COUNT', problem: 'must be a whole number from 0 to 10' },
      { variable: 'DRY_RUN', problem: 'must be true or false' },
      { variable: 'MODE', problem: 'must be fast or safe' },
    ]);
  });

  it('takes an empty variable as absent', () => {
    expect(problemsOf({ API_URL: '', API_TOKEN: 't' })).toEqual([{ variable: 'API_URL', problem: 'is required' }]);
    expect(loadConfig(schema, { API_URL: 'u', API_TOKEN: 't', TITLE: '', LABEL: '' })).toMatchObject({ title: 'Argosy' });
  });

  it('reads a secret from the file that the variable with _FILE names, and only secrets', () => {
    const file = join(folder, 'token');
    writeFileSync(file, 'from a file\n');
    expect(loadConfig(schema, { API_URL: 'u', API_TOKEN_FILE: file }).apiToken.reveal()).toBe('from a file');
    expect(problemsOf({ API_URL_FILE: file, API_TOKEN: 't' })).toEqual([{ variable: 'API_URL', problem: 'is required' }]);
  });

  it('refuses a secret that is given twice or whose file cannot be read', () => {
    expect(problemsOf({ API_URL: 'u', API_TOKEN: 't', API_TOKEN_FILE: 'x' })[0]?.problem).toContain('give one of them');
    const unreadable = problemsOf({ API_URL: 'u', API_TOKEN_FILE: join(folder, 'absent') });
    expect(unreadable.map(({ variable }) => variable)).toEqual(['API_TOKEN']);
    expect(unreadable[0]?.problem).toContain('cannot be read');
  });

  it('never shows a secret, and cannot be changed', () => {
    const config = loadConfig(schema, { API_URL: 'u', API_TOKEN: 'hunter2' });
    expect(inspect(config) + JSON.stringify(config) + `${config.apiToken.toString()}`).not.toContain('hunter2');
    expect(Object.isFrozen(config)).toBe(true);
  });
});

describe('describeConfig', () => {
  it('gives one row for each variable', () => {
    expect(describeConfig(schema).slice(0, 3)).toEqual([
      { variable: 'API_URL', kind: 'text', byDefault: '', required: true, secret: false, about },
      { variable: 'API_TOKEN', kind: 'text', byDefault: '', required: true, secret: true, about },
      { variable: 'POLL_INTERVAL', kind: 'duration', byDefault: '10s', required: false, secret: false, about },
    ]);
  });

  it.each([
    ['databaseUrl', 'DATABASE_URL'],
    ['pollIntervalMs', 'POLL_INTERVAL'],
    ['cacheSizeBytes', 'CACHE_SIZE'],
    ['otelExporterOtlpEndpoint', 'OTEL_EXPORTER_OTLP_ENDPOINT'],
  ])('names the variable of %s', (key, variable) => {
    expect(variableOf(key)).toBe(variable);
  });
});

describe('queueLocation', () => {
  const program = configOf({ ...programFields, extra: optionalSecret({ about }) });
  const base = { DATABASE_URL: 'postgres://db/argosy' };

  it('is Redis by default, and then needs its URL', () => {
    expect(queueLocation(loadConfig(program, { ...base, REDIS_URL: 'redis://r' }))).toEqual({
      kind: 'redis',
      url: 'redis://r',
      prefix: 'argosy',
    });
    expect(() => queueLocation(loadConfig(program, base))).toThrow(/REDIS_URL: is required/);
  });

  it('is the database where the backend is Postgres, unless the queue has one of its own', () => {
    const onPostgres = { ...base, QUEUE_BACKEND: 'postgres' };
    expect(queueLocation(loadConfig(program, onPostgres))).toEqual({
      kind: 'postgres',
      connection: { connectionString: base.DATABASE_URL },
    });
    const own = loadConfig(program, { ...onPostgres, QUEUE_DATABASE_URL: 'postgres://q/queue' });
    expect(queueLocation(own)).toMatchObject({ connection: { connectionString: 'postgres://q/queue' } });
  });
});
