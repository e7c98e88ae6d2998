import { fileURLToPath } from 'node:url';
import { afterAll, expect, it } from 'vitest';
import { eventually, freePort, missingPart, outcomeOf, spawnTypeScript, startRedis } from '#libs/testing';

const MAIN = fileURLToPath(new URL('../../../services/offloader/src/main.ts', import.meta.url));
const STOP_LIMIT_MS = 15_000;
const TEST_LIMIT_MS = 180_000;
const redis = await startRedis();
afterAll(() => redis?.stop());

it.skipIf(redis === undefined)(
  `a program whose queue has been away for long is alive, replaces no worker, shows no backlog, and ends by itself when it is told to${redis ? '' : ` (${missingPart('redis-server')})`}`,
  async () => {
    const port = await freePort();
    const child = spawnTypeScript(MAIN, {
      env: {
        DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none',
        QUEUE_BACKEND: 'redis',
        REDIS_URL: redis?.url ?? '',
        LOG_LEVEL: 'debug',
        METRICS_PORT: String(port),
      },
    });
    const ended = outcomeOf(child);
    let failureCount = 0;
    child.stderr?.on('data', (chunk: Buffer) => (failureCount += chunk.toString().split('worker error').length - 1));
    const shown = async (path: string): Promise<string> => {
      const answer = await fetch(`http://127.0.0.1:${port}${path}`).catch(() => undefined);
      return (await answer?.text()) ?? '';
    };
    await eventually(async () => (await shown('/readyz')).includes('"queue":true'), 'the queue is there', 80_000);
    const backlog = /^argosy_queue_backlog_age_seconds\{/m;
    await eventually(async () => backlog.test(await shown('/metrics')), 'the backlog is shown');
    await redis?.kill();
    await eventually(() => failureCount > 25, 'workers have failed again and again', 60_000);
    const metrics = await shown('/metrics');
    expect(metrics).toMatch(/^argosy_ready\{source="queue"\} 0$/m);
    expect(metrics).not.toMatch(backlog);
    expect(metrics).not.toMatch(/^argosy_queue_workers_replaced_total\{/m);
    expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(200);
    let isKilled = false;
    const timer = setTimeout(() => (isKilled = child.kill('SIGKILL')), STOP_LIMIT_MS);
    child.kill('SIGTERM');
    const { exitCode, stderr } = await ended;
    clearTimeout(timer);
    expect(stderr).not.toContain('Unhandled error event');
    expect([isKilled, exitCode]).toEqual([false, 0]);
  },
  TEST_LIMIT_MS,
);
