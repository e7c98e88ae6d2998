import 'reflect-metadata';

import { Controller, Inject, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { afterAll, afterEach, describe, expect, it } from 'vitest';

import { ArchiveJob, HandlerBindingError, type JobOutcome, WorkflowJob } from '#libs/jobs';
import { eventually, missingPart, randomPrefix, startRedis } from '#libs/testing';
import { PermanentError, TransientError, UserError } from '#libs/workflow-spec';

import { BullMqServer, type ClaimedJob } from './bullmq-server.js';
import { HandlesJob } from './handles-job.js';
import { openQueueBackend } from './open-backend.js';
import { QueueRuntime } from './queue-runtime.js';
import { type QueueTelemetry, silentLogger, silentTelemetry } from './telemetry.js';

const redis = await startRedis();

const BEHAVIOUR = Symbol('behaviour');
type Behaviour = (workflow: string) => Promise<JobOutcome>;

@Controller()
class WorkflowProcessor {
  constructor(@Inject(BEHAVIOUR) private readonly behave: Behaviour) {}

  @HandlesJob(WorkflowJob)
  handle(payload: { workflow: string }): Promise<JobOutcome> {
    return this.behave(payload.workflow);
  }
}

@Controller()
class SecondProcessor {
  @HandlesJob(WorkflowJob)
  handle(): Promise<JobOutcome> {
    return Promise.resolve();
  }
}

describe.skipIf(redis === undefined)(redis === undefined ? missingPart('redis-server') : 'BullMqServer', () => {
  const closers: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close();
  });
  afterAll(() => redis?.stop());

  async function startProgram(
    behave: Behaviour,
    claimed: ClaimedJob[] = [{ job: WorkflowJob }],
    controllers: (new (...args: never[]) => object)[] = [],
  ) {
    const outcomes: string[] = [];
    const telemetry: QueueTelemetry = { ...silentTelemetry, ran: (_queue, outcome) => void outcomes.push(outcome) };
    const backend = openQueueBackend({ kind: 'redis', url: redis!.url, prefix: randomPrefix() }, silentLogger);
    const runtime = new QueueRuntime({
      backend,
      delivery: 'queue',
      clock: { nowMs: () => Date.now() },
      logger: silentLogger,
      telemetry,
    });
    closers.push(() => runtime.close());
    @Module({ controllers: [WorkflowProcessor, ...controllers], providers: [{ provide: BEHAVIOUR, useValue: behave }] })
    class ProgramModule {}
    const program = await NestFactory.createMicroservice(ProgramModule, {
      strategy: new BullMqServer(runtime, claimed),
      logger: false,
      abortOnError: false,
    });
    closers.push(() => program.close());
    await program.listen();
    return { runtime, outcomes };
  }

  it('hands a hint of a claimed queue to the controller that handles its job', async () => {
    const seen: string[] = [];
    const { runtime } = await startProgram(async (workflow) => void seen.push(workflow));
    await runtime.queue.wake(WorkflowJob, { workflow: 'w1' });
    await eventually(() => seen.length === 1, 'a call');
    expect(seen).toEqual(['w1']);
  });

  it('follows what the handler answers', async () => {
    let runs = 0;
    const { runtime } = await startProgram(async () => {
      runs += 1;
      return runs === 1 ? { again: true } : undefined;
    });
    await runtime.queue.wake(WorkflowJob, { workflow: 'w1' });
    await eventually(() => runs === 2, 'the second run');
  });

  it.each([
    [new UserError('bad spec'), 'user_error'],
    [new PermanentError('corrupt row'), 'permanent'],
    [new TypeError('undefined is not a function'), 'bug'],
  ])('decides by the class of the error, which Nest leaves as it is: %s', async (error, outcome) => {
    const { runtime, outcomes } = await startProgram(() => Promise.reject(error));
    await runtime.queue.wake(WorkflowJob, { workflow: 'w1' });
    await eventually(() => outcomes.length === 1, 'an outcome');
    expect(outcomes).toEqual([outcome]);
  });

  it('wakes the row again by itself after a transient error', async () => {
    let runs = 0;
    const { runtime, outcomes } = await startProgram(async () => {
      runs += 1;
      if (runs === 1) throw new TransientError('database is away');
    });
    await runtime.queue.wake(WorkflowJob, { workflow: 'w1' });
    await eventually(() => outcomes.length === 2, 'the run that succeeds');
    expect(outcomes).toEqual(['transient', 'done']);
  });

  it('refuses to start where a claimed job has no handler, and where it has two', async () => {
    const nothing = (): Promise<void> => Promise.resolve();
    await expect(startProgram(nothing, [{ job: WorkflowJob }, { job: ArchiveJob }])).rejects.toThrow(HandlerBindingError);
    await expect(startProgram(nothing, [{ job: WorkflowJob }], [SecondProcessor])).rejects.toThrow(
      /workflow.reconcile .* 2 handlers/,
    );
  });
});
