import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { type JobDefinition, type JobOutcome, type JobQueue, PodJob, WorkflowJob } from '#libs/jobs';

import { eventually } from '../eventually.js';

/** One queue under test, with what a program does with it. */
export interface JobQueueUnderTest {
  readonly queue: JobQueue;
  /** Begins to handle a job's wake-ups. */
  consume<Payload>(job: JobDefinition<Payload>, handler: (payload: Payload) => Promise<JobOutcome>): void;
  close(): Promise<void>;
}

/** Holds a handler until it is let go. */
class Gate {
  private open: () => void = () => undefined;
  readonly passed = new Promise<void>((resolve) => (this.open = resolve));
  release(): void {
    this.open();
  }
}

let serial = 0;
const newWorkflow = (): { workflow: string } => ({ workflow: `w${process.pid}-${(serial += 1)}` });

/** Registers the tests that every JobQueue must pass; `make` opens one that is empty and reachable. */
export function jobQueueContract(name: string, make: () => Promise<JobQueueUnderTest>): void {
  describe(`job queue contract: ${name}`, () => {
    let subject: JobQueueUnderTest;
    beforeEach(async () => {
      subject = await make();
    });
    afterEach(() => subject.close());

    deliveryTests(() => subject);
    foldingTests(() => subject);
    timerTests(() => subject);
    failureTests(() => subject);
  });
}

function deliveryTests(subject: () => JobQueueUnderTest): void {
  it('delivers a wake-up with its payload', async () => {
    const seen: unknown[] = [];
    subject().consume(PodJob, async (payload) => void seen.push(payload));
    const payload = { ...newWorkflow(), bucket: 7 };
    await subject().queue.wake(PodJob, payload);
    await eventually(() => seen.length > 0, 'a delivery');
    expect(seen).toEqual([payload]);
  });

  it('delivers each row of a bulk wake-up once', async () => {
    const seen: string[] = [];
    subject().consume(WorkflowJob, async ({ workflow }) => void seen.push(workflow));
    const payloads = Array.from({ length: 50 }, newWorkflow);
    await subject().queue.wakeMany(WorkflowJob, payloads);
    await eventually(
      () => seen.length === 50,
      () => `${seen.length} of 50`,
    );
    expect(new Set(seen)).toEqual(new Set(payloads.map(({ workflow }) => workflow)));
  });

  it('runs a row once more where its handler says that there is more', async () => {
    let runs = 0;
    subject().consume(WorkflowJob, async () => {
      runs += 1;
      return runs < 3 ? { again: true } : undefined;
    });
    await subject().queue.wake(WorkflowJob, newWorkflow());
    await eventually(
      () => runs === 3,
      () => `${runs} runs`,
    );
  });

  it('wakes afresh a row whose hint waits already', async () => {
    const payload = newWorkflow();
    let runs = 0;
    subject().consume(WorkflowJob, async () => void (runs += 1));
    await subject().queue.wakeAfresh(WorkflowJob, [payload]);
    await eventually(() => runs >= 1, 'a run');
  });
}

function foldingTests(subject: () => JobQueueUnderTest): void {
  it('runs a row exactly once more after many wake-ups during its run', async () => {
    const payload = newWorkflow();
    const gate = new Gate();
    let runs = 0;
    subject().consume(WorkflowJob, async () => {
      runs += 1;
      if (runs === 1) await gate.passed;
    });
    await subject().queue.wake(WorkflowJob, payload);
    await eventually(() => runs === 1, 'the first run');
    for (let i = 0; i < 20; i += 1) await subject().queue.wake(WorkflowJob, payload);
    gate.release();
    await eventually(() => runs >= 2, 'the run that follows');
    const other = newWorkflow();
    await subject().queue.wake(WorkflowJob, other);
    await eventually(() => runs >= 3, 'another row, behind whatever was left of the first');
    expect(runs).toBe(3);
  });

  it('runs at most one handler per key, different keys side by side', async () => {
    const keys = [newWorkflow(), newWorkflow(), newWorkflow()];
    const active = new Map<string, number>();
    let overlaps = 0;
    let mostAtOnce = 0;
    subject().consume(WorkflowJob, async ({ workflow }) => {
      const running = (active.get(workflow) ?? 0) + 1;
      active.set(workflow, running);
      if (running > 1) overlaps += 1;
      mostAtOnce = Math.max(mostAtOnce, [...active.values()].filter((count) => count > 0).length);
      await new Promise((resolve) => setTimeout(resolve, 5));
      active.set(workflow, running - 1);
    });
    for (let round = 0; round < 10; round += 1) await subject().queue.wakeMany(WorkflowJob, keys);
    await eventually(() => mostAtOnce > 1 && [...active.values()].every((count) => count === 0), 'parallel rows');
    expect(overlaps).toBe(0);
  });

  it('loses no last event in bursts', async () => {
    const rows = Array.from({ length: 8 }, newWorkflow);
    const written = new Map<string, number>();
    const read = new Map<string, number>();
    subject().consume(WorkflowJob, async ({ workflow }) => {
      const value = written.get(workflow) ?? 0;
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 3));
      read.set(workflow, value);
    });
    for (let burst = 0; burst < 10; burst += 1) {
      const events = Array.from({ length: 40 }, () => rows[Math.floor(Math.random() * rows.length)]!);
      await Promise.all(
        events.map(async (row) => {
          written.set(row.workflow, (written.get(row.workflow) ?? 0) + 1);
          await subject().queue.wake(WorkflowJob, row);
        }),
      );
      const late = (): string[] => [...written].filter(([row, value]) => read.get(row) !== value).map(([row]) => row);
      await eventually(
        () => late().length === 0,
        () => `burst ${burst}: last event of ${late().join(', ')} lost`,
      );
    }
  });
}

function timerTests(subject: () => JobQueueUnderTest): void {
  it('wakes a row at a time, and not before', async () => {
    const dueMs = Date.now() + 300;
    let ranAtMs = 0;
    subject().consume(WorkflowJob, async () => void (ranAtMs = Date.now()));
    await subject().queue.wakeAt(WorkflowJob, newWorkflow(), dueMs);
    await eventually(() => ranAtMs > 0, 'the timer');
    expect(ranAtMs).toBeGreaterThanOrEqual(dueMs - 5);
    expect(ranAtMs).toBeLessThan(dueMs + 2_000);
  });

  it('delivers a wake-up at once although a timer of the same row waits', async () => {
    let runs = 0;
    const payload = newWorkflow();
    subject().consume(WorkflowJob, async () => void (runs += 1));
    await subject().queue.wakeAt(WorkflowJob, payload, Date.now() + 60_000);
    await subject().queue.wake(WorkflowJob, payload);
    await eventually(() => runs === 1, 'the wake-up', 2_000);
  });

  it('wakes a row again at the time that its handler asks for', async () => {
    const runsAtMs: number[] = [];
    subject().consume(WorkflowJob, async () => {
      runsAtMs.push(Date.now());
      return runsAtMs.length === 1 ? { wakeAtMs: Date.now() + 200 } : undefined;
    });
    await subject().queue.wake(WorkflowJob, newWorkflow());
    await eventually(() => runsAtMs.length === 2, 'the second run');
    expect(runsAtMs[1]! - runsAtMs[0]!).toBeGreaterThanOrEqual(190);
  });
}

function failureTests(subject: () => JobQueueUnderTest): void {
  it('delivers the next wake-up of a row whose handler has failed', async () => {
    let runs = 0;
    const payload = newWorkflow();
    subject().consume(WorkflowJob, async () => {
      runs += 1;
      if (runs === 1) throw new Error('a bug');
    });
    await subject().queue.wake(WorkflowJob, payload);
    await eventually(() => runs === 1, 'the failing run');
    await eventually(async () => {
      await subject().queue.wake(WorkflowJob, payload);
      return runs >= 2;
    }, 'the run after it');
  });
}
