import { Pool } from 'pg';
import { afterEach, describe, expect, it } from 'vitest';

import { ArchiveJob, ArtifactGcJob, PodJob, RecordJob, WorkflowJob } from '#libs/jobs';
import { eventually, postgresTemplate } from '#libs/testing';

import { openQueueBackend } from './open-backend.js';
import { QueueRuntime } from './queue-runtime.js';
import { silentLogger } from './telemetry.js';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

describe('connections of the queue on Postgres', () => {
  it('are one that listens for all workers and two for everything else, under load', async () => {
    const database = await postgresTemplate();
    closers.push(() => database.drop());
    const backend = openQueueBackend({ kind: 'postgres', connection: database.connection }, silentLogger);
    const runtime = new QueueRuntime({ backend, delivery: 'queue', clock: { nowMs: () => Date.now() }, logger: silentLogger });
    closers.push(() => runtime.close());
    let done = 0;
    const handler = async (): Promise<void> => void (done += 1);
    runtime.consume(WorkflowJob, handler);
    runtime.consume(PodJob, handler, { lanes: ['here'] });
    runtime.consume(RecordJob, handler);
    runtime.consume(ArchiveJob, handler);
    runtime.consume(ArtifactGcJob, handler);
    await runtime.whenReady();
    const admin = new Pool({ ...database.connection, max: 1 });
    closers.push(() => admin.end());
    const connections = async (): Promise<number> => {
      const { rows: counts } = await admin.query<{ count: number }>(
        "SELECT count(*)::int AS count FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'",
      );
      return counts[0]?.count ?? 0;
    };
    // The server still counts a closed connection, of the preparations say, until its process has ended.
    await eventually(async () => (await connections()) <= 1 + 2, 'the connections of the start are gone', 30_000);
    const rows = Array.from({ length: 300 }, (_, index) => ({ workflow: `w${index}` }));
    await Promise.all([
      runtime.queue.wakeMany(WorkflowJob, rows),
      runtime.queue.wakeMany(RecordJob, rows),
      runtime.queue.wakeMany(
        PodJob,
        rows.map((row) => ({ ...row, bucket: 0, host: 'here' })),
      ),
    ]);
    let most = 0;
    let before = 0;
    await eventually(
      async () => {
        // A connection that has just closed is counted once more: only what two looks in a row see is held.
        const now = await connections();
        most = Math.max(most, Math.min(before, now));
        before = now;
        return done === 900;
      },
      () => `${done} of 900`,
      30_000,
    );
    expect(most).toBeLessThanOrEqual(1 + 2);
  });
});
