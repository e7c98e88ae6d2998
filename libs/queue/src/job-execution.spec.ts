import { describe, expect, it } from 'vitest';

import { type JobOutcome, WorkflowJob } from '#libs/jobs';
import { RecordingJobQueue } from '#libs/testing';
import { PermanentError, TransientError, UserError } from '#libs/workflow-spec';

import { JobExecution } from './job-execution.js';
import { silentLogger, silentTelemetry } from './telemetry.js';

const NOW_MS = 1_000_000;
const payload = { workflow: 'w1' };

function executionOf(handler: () => Promise<JobOutcome>) {
  const queue = new RecordingJobQueue();
  const outcomes: string[] = [];
  const execution = new JobExecution({
    job: WorkflowJob,
    handler,
    queue,
    clock: { nowMs: () => NOW_MS },
    logger: silentLogger,
    telemetry: { ...silentTelemetry, ran: (_queue, outcome) => void outcomes.push(outcome) },
  });
  return { execution, queue, outcomes };
}

describe('what becomes of a hint', () => {
  it('ends quietly where the handler answers nothing', async () => {
    const { execution, queue, outcomes } = executionOf(async () => undefined);
    await execution.run(payload);
    expect([outcomes, queue.wakes]).toEqual([['done'], []]);
  });

  it('wakes the row again where there is more, and at a time where one is given', async () => {
    const answers: JobOutcome[] = [{ again: true }, { wakeAtMs: NOW_MS + 7 }];
    const { execution, queue } = executionOf(async () => answers.shift());
    await execution.run(payload);
    await execution.run(payload);
    expect(queue.wakes).toEqual([
      { queue: 'workflow', payload },
      { queue: 'workflow', payload, atMs: NOW_MS + 7 },
    ]);
  });

  it('ends with the user error logged and nothing repeated', async () => {
    const { execution, queue, outcomes } = executionOf(() => Promise.reject(new UserError('bad template')));
    await execution.run(payload);
    expect([outcomes, queue.wakes]).toEqual([['user_error'], []]);
  });

  it('repeats a transient failure with growing delays up to 30 s, and starts over after a success', async () => {
    let failing = true;
    const { execution, queue } = executionOf(() => (failing ? Promise.reject(new TransientError('away')) : Promise.resolve()));
    for (let run = 0; run < 10; run += 1) await execution.run(payload);
    failing = false;
    await execution.run(payload);
    failing = true;
    await execution.run(payload);
    const delays = queue.wakes.map(({ atMs = 0 }) => atMs - NOW_MS);
    expect(delays[0]).toBeLessThanOrEqual(250);
    expect(delays[5]).toBeGreaterThan(delays[2]!);
    expect(delays[9]).toBeLessThanOrEqual(30_000);
    expect(delays[9]).toBeGreaterThan(20_000);
    expect(delays[10]).toBeLessThanOrEqual(250);
  });

  it('fails for good on a permanent error, on a bug, and on a payload that the catalogue refuses', async () => {
    const permanent = executionOf(() => Promise.reject(new PermanentError('corrupt')));
    await expect(permanent.execution.run(payload)).rejects.toThrow('corrupt');
    const bug = executionOf(() => Promise.reject(new TypeError('oops')));
    await expect(bug.execution.run(payload)).rejects.toThrow('oops');
    const malformed = executionOf(async () => undefined);
    await expect(malformed.execution.run({ workflow: 5 })).rejects.toThrow('malformed');
    expect([permanent.outcomes, bug.outcomes, malformed.outcomes, permanent.queue.wakes]).toEqual([
      ['permanent'],
      ['bug'],
      ['permanent'],
      [],
    ]);
  });
});
