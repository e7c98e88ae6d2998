import { fileURLToPath } from 'node:url';
import { afterAll, expect, it } from 'vitest';
import { eventually, freePort, missingPart, outcomeOf, spawnTypeScript, startRedis } from '#libs/testing';

const MAIN = fileURLToPath(new URL('../../../services/offloader/src/main.ts', import.meta.url));
const STOP_LIMIT_MS = 15_000;
const TEST_LIMIT_MS = 180_000;
const redis = await startRedis();
afterAll(() => redis?.stop());

it.skipIf(redis === undefined)(
  `a program whose queue has been away for long ends by itself when it is told to${redis ? '' : ` (${missingPart('redis-server')})`}`,
  async () => {
    const port = await freePort();
    const child = spawnTypeScript(MAIN, {
      env: {
        DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none',
        QUEUE_BACKEND: 'redis',
        REDIS_URL: redis?.url ?? '',
        METRICS_PORT: String(port),
      },
    });
    const ended = outcomeOf(child);
    const shown = async (path: string): Promise<string> => {
      const answer = await fetch(`http://127.0.0.1:${port}${path}`).catch(() => undefined);
      return (await answer?.text()) ?? '';
    };
    await eventually(async () => (await shown('/readyz')).includes('"queue":true'), 'the queue is there', 80_000);
    await redis?.kill();
    const replaced = async (): Promise<number> =>
      Number(/^argosy_queue_workers_replaced_total\{[^}]*\} (\d+)$/m.exec(await shown('/metrics'))?.[1] ?? 0);
    await eventually(async () => (await replaced()) > 2, 'workers that only fail are replaced', 60_000);
    let isKilled = false;
    const timer = setTimeout(() => (isKilled = child.kill('SIGKILL')), STOP_LIMIT_MS);
    child.kill('SIGTERM');
    const { exitCode, stderr } = await ended;
    clearTimeout(timer);
    // Connections of replaced workers do not go on by themselves.
    expect(stderr).not.toContain('Unhandled error event');
    expect([isKilled, exitCode]).toEqual([false, 0]);
  },
  TEST_LIMIT_MS,
);
