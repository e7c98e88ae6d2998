import { expect, it } from 'vitest';
import { ArtifactAccessError, type ArtifactDrivers } from '#libs/artifacts';
import { StoreStatementError, StoreUnavailableError } from '#libs/store';
import type { ServerContext } from '../ports.js';
import { CheckupService, type Finding } from './checkup.service.js';

const NOW_MS = 1_000_000;

interface Installation {
  variable?: string;
  configured?: object;
  problem?: string;
  isRefused?: boolean;
  databaseError?: Error;
}

/** What a look finds by name, and the objects that the store was given, by bucket. */
const look = async ({ variable, configured, problem, isRefused, databaseError }: Installation) => {
  const saved: string[] = [];
  let kept = '';
  const driver = {
    save: async ({ s3 }: { s3: { bucket: string } }, body: AsyncIterable<string>) => {
      if (isRefused) throw new ArtifactAccessError(`bucket ${s3.bucket} does not exist`);
      saved.push(s3.bucket);
      for await (const part of body) kept += part;
    },
    load: () => Promise.resolve([Buffer.from(kept)]),
    delete: () => Promise.resolve(),
  };
  const store = {
    databaseTimeMs: () => (databaseError ? Promise.reject(databaseError) : Promise.resolve(NOW_MS)),
    podHosts: {
      list: () =>
        databaseError ? Promise.reject(databaseError) : Promise.resolve([{ host: 'a', runtime: 'kubernetes', seenAtMs: NOW_MS }]),
    },
  };
  const context = {
    config: { artifactRepository: variable },
    clock: { nowMs: () => NOW_MS },
    controllerConfig: { state: () => ({ config: { artifactRepository: configured }, problems: [] }) },
    checkup: {
      queueIsReady: () => Promise.resolve(true),
      queueProblem: () => Promise.resolve(problem),
      controllerNamespace: 'argo',
    },
  } as unknown as ServerContext;
  const drivers = { driverFor: () => driver } as unknown as ArtifactDrivers;
  const findings = await new CheckupService(store as never, context, drivers).look();
  const of = (name: Finding['name']): Finding | undefined => findings.find((finding) => finding.name === name);
  return { of, saved };
};

const REPOSITORY = '{"s3":{"bucket":"of-the-variable","endpoint":"s3"}}';

it('tries the repository of the variable where the configuration has none', async () => {
  const { of, saved } = await look({ variable: REPOSITORY });
  expect([saved, of('artifacts')?.state]).toEqual([['of-the-variable'], 'ok']);
  const both = await look({ variable: REPOSITORY, configured: { driver: 's3', location: { s3: { bucket: 'configured' } } } });
  expect(both.saved).toEqual(['configured']);
});

it('says that the bucket is not there, and that there is no repository at all', async () => {
  expect((await look({ variable: REPOSITORY, isRefused: true })).of('artifacts')).toMatchObject({
    state: 'failed',
    message: 'the s3 repository: bucket of-the-variable does not exist',
  });
  expect((await look({})).of('artifacts')).toMatchObject({
    state: 'ok',
    message: expect.stringContaining('no repository') as unknown,
  });
});

it('warns of a queue that throws hints away', async () => {
  const finding = (await look({ problem: 'Redis may evict what waits: maxmemory-policy is allkeys-lru' })).of('queue');
  expect(finding).toMatchObject({ state: 'warning', advice: expect.stringContaining('noeviction') as unknown });
  expect((await look({})).of('queue')).toMatchObject({ state: 'ok' });
});

it('tells a database that is away from one that does not let the account in', async () => {
  const away = new StoreUnavailableError('database: connect ECONNREFUSED');
  expect((await look({ databaseError: away })).of('database')).toMatchObject({
    state: 'failed',
    advice: expect.stringContaining('go on by themselves') as unknown,
  });
  const refused = new StoreUnavailableError('database: password authentication failed for user "argosy" (28P01)', {
    isRefusal: true,
  });
  expect((await look({ databaseError: refused })).of('database')).toMatchObject({
    state: 'failed',
    message: expect.stringContaining('password authentication failed') as unknown,
    advice: expect.stringMatching(/DATABASE_URL.*restart/) as unknown,
  });
});

it('goes on looking where a table cannot be read', async () => {
  const { of } = await look({ databaseError: new StoreStatementError('database: permission denied (42501)', '42501') });
  expect([of('database')?.message, of('pods')?.state, of('queue')?.state]).toEqual([
    'database: permission denied (42501)',
    'failed',
    'ok',
  ]);
});
