import { describe, expect, it } from 'vitest';
import { loadConfig } from '#libs/config';
import { compressionProblem } from '#libs/store';
import { configSchema } from './offloader.config.js';
import { offloaderSettings } from './offloader.settings.js';

const settingsOf = (environment: Record<string, string>) =>
  offloaderSettings(loadConfig(configSchema, { DATABASE_URL: 'postgres://a', REDIS_URL: 'redis://a', ...environment }));

describe('the variables of the offloader', () => {
  it("have Argo's defaults", () => {
    expect(settingsOf({})).toMatchObject({
      maxSizeBytes: 1_048_576,
      alwaysOffload: false,
      offload: true,
      compression: { algorithm: 'gzip' },
      pruneIntervalMs: 300_000,
      offloadTtlMs: 300_000,
    });
  });

  it('are those that Argo has', () => {
    const environment = {
      MAX_WORKFLOW_SIZE: '10240',
      ALWAYS_OFFLOAD_NODE_STATUS: 'true',
      OFFLOAD_NODE_STATUS_TTL: '1m30s',
      WORKFLOW_GC_PERIOD: '2h',
    };
    expect(settingsOf(environment)).toMatchObject({
      maxSizeBytes: 10_240,
      alwaysOffload: true,
      offloadTtlMs: 90_000,
      pruneIntervalMs: 7_200_000,
    });
  });

  it('choose what packs nodes', () => {
    const environment = { WORKFLOW_COMPRESSION_ALGORITHM: 'brotli', WORKFLOW_COMPRESSION_LEVEL: '11' };
    expect(settingsOf(environment).compression).toEqual({ algorithm: 'brotli', level: 11 });
  });

  it.each([
    [{ WORKFLOW_COMPRESSION_ALGORITHM: 'lzma' }, /WORKFLOW_COMPRESSION_ALGORITHM: must be gzip or zstd or brotli/],
    [{ WORKFLOW_COMPRESSION_LEVEL: '10' }, /WORKFLOW_COMPRESSION_LEVEL: must be a whole number from -1 to 9 for gzip/],
    [{ WORKFLOW_COMPRESSION_ALGORITHM: 'brotli', WORKFLOW_COMPRESSION_LEVEL: '-1' }, /from 0 to 11 for brotli/],
  ])('are refused where they make no sense: %o', (environment, problem) => {
    expect(() => settingsOf(environment)).toThrow(problem);
  });

  it('name zstd as refused on a Node without it', () => {
    const missing = compressionProblem({ algorithm: 'zstd' });
    const settings = () => settingsOf({ WORKFLOW_COMPRESSION_ALGORITHM: 'zstd' });
    if (missing === undefined) expect(settings().compression).toEqual({ algorithm: 'zstd' });
    else expect(settings).toThrow(/WORKFLOW_COMPRESSION_ALGORITHM: zstd needs Node 22.15 or later/);
  });
});
