import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { eventually, freePort, outcomeOf, spawnTypeScript } from '#libs/testing';

const MAIN = fileURLToPath(new URL('../../../services/server/src/main.ts', import.meta.url));
const NOWHERE = 'postgres://nobody:hidden-password@127.0.0.1:1/none';
const variables = { DATABASE_URL: NOWHERE, QUEUE_BACKEND: 'postgres', METRICS_PORT: '0' };

describe('the server as a program of its own', () => {
  it('starts while the database is away, serves what needs none, and stops on SIGTERM', async () => {
    const port = await freePort();
    const child = spawnTypeScript(MAIN, { env: { ...variables, PORT: String(port) } });
    const ended = outcomeOf(child);
    const statusOf = async (path: string): Promise<number> => {
      try {
        return (await fetch(`http://127.0.0.1:${port}${path}`)).status;
      } catch {
        return 0;
      }
    };
    try {
      await eventually(async () => (await statusOf('/healthz')) === 200, 'the server answers', 40_000);
      expect(await statusOf('/api/v1/version')).toBe(200);
      expect(await statusOf('/readyz')).toBe(503);
      expect(await statusOf('/api/v1/workflows/lab')).toBe(503);
    } finally {
      child.kill('SIGTERM');
    }
    const { exitCode, stdout, stderr } = await ended;
    expect([exitCode, stderr]).toEqual([0, expect.stringContaining('listening')]);
    expect(stdout + stderr).not.toContain('hidden-password');
  });

  it('refuses an address that others could reach when there is no token, naming the variable', async () => {
    const { exitCode, stderr } = await outcomeOf(spawnTypeScript(MAIN, { env: { ...variables, HOST: '0.0.0.0' } }));
    expect(exitCode).toBe(2);
    expect(stderr).toContain('AUTH_TOKEN');
  });
});
