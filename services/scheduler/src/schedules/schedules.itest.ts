import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Metrics } from '#libs/observability';
import { openResources } from '#libs/program';
import type { ResourceStore } from '#libs/resources';
import { createStore, type Store } from '#libs/store';
import { MemoryJobQueue, postgresTemplate, quietLogger, type TestDatabase } from '#libs/testing';
import { ChildChecker } from './child-checker.js';
import { ScheduleMetrics } from './schedule-metrics.js';
import { ScheduleService } from './schedule.service.js';
import { ScheduleTimer } from './schedule-timer.js';

const MINUTE_MS = 60_000;
const START_MS = Date.parse('2024-03-01T10:00:05Z');

let database: TestDatabase;
let store: Store;
let resources: ResourceStore;
let nowMs = START_MS;
const clock = { nowMs: () => nowMs };

beforeAll(async () => {
  database = await postgresTemplate();
  store = createStore({ connection: database.connection, clock, logger: quietLogger, changes: { crossProcess: false } });
  resources = openResources(store, clock);
});
afterAll(async () => {
  await store.close();
  await database.drop();
});
beforeEach(async () => {
  nowMs = START_MS;
  await store.database.run({
    text: 'TRUNCATE workflows, workflow_state, schedules, workflow_inbox, workflow_requests, handoffs',
  });
  await store.database.run({ text: "DELETE FROM resources WHERE kind = 'CronWorkflow'" });
});

/** Fails at its n-th call of anything, as a process that is killed there; counts the calls. */
class Fault {
  calls = 0;
  constructor(private readonly at: number) {}

  around<Target extends object>(target: Target): Target {
    return new Proxy(target, {
      get: (object, name) => {
        const member: unknown = Reflect.get(object, name);
        if (typeof member !== 'function') return member;
        return async (...given: unknown[]): Promise<unknown> => {
          this.calls += 1;
          if (this.calls === this.at) throw new Error('killed before the call');
          const result: unknown = await (member as (...all: unknown[]) => unknown).apply(object, given);
          this.calls += 1;
          if (this.calls === this.at) throw new Error('killed after the call');
          return result;
        };
      },
    });
  }
}

/** A scheduler as a process of its own would have it. */
const scheduler = (fault = new Fault(0), noLease = true): ScheduleTimer => {
  const around = fault.around.bind(fault);
  const service = new ScheduleService({
    schedules: around(store.schedules),
    resources: around(resources),
    retention: around(store.retention),
    requests: around(store.requests),
    checker: new ChildChecker(resources),
    queue: around(new MemoryJobQueue()),
    clock,
    logger: quietLogger,
    metrics: new ScheduleMetrics(new Metrics()),
  });
  const lease = noLease ? { run: <Result>(_name: string, work: () => Promise<Result>) => work() } : store.leases;
  return new ScheduleTimer({
    service,
    schedules: store.schedules,
    resources,
    lease,
    clock,
    logger: quietLogger,
    intervalMs: 1000,
  });
};

const cronWorkflow = (spec: Record<string, unknown> = {}, metadata: Record<string, unknown> = {}) => ({
  apiVersion: 'argoproj.io/v1alpha1',
  kind: 'CronWorkflow',
  metadata: { name: 'tick', namespace: 'argo', ...metadata },
  spec: {
    schedules: ['* * * * *'],
    workflowMetadata: { labels: { team: 'red' }, annotations: { note: 'x' } },
    workflowSpec: { entrypoint: 'main', templates: [{ name: 'main', container: { image: 'busybox' } }] },
    ...spec,
  },
});
const KEY = { kind: 'CronWorkflow', namespace: 'argo', name: 'tick' };

const childNames = async (): Promise<string[]> => {
  const rows = await store.database.run<{ name: string }>({ text: 'SELECT name FROM workflows ORDER BY name' });
  return rows.map(({ name }) => name);
};
const nameAt = (time: string): string => `tick-${Date.parse(`2024-03-01T${time}Z`) / 1000}`;
const end = (name: string, phase: string): Promise<unknown> =>
  store.database.run({
    text: `UPDATE workflow_state SET phase = $2, completed = true, finished_at_ms = $3 WHERE uid = (SELECT uid FROM workflows WHERE name = $1)`,
    values: [name, phase, nowMs],
  });
const statusOf = async (): Promise<Record<string, unknown>> => (await resources.get(KEY))['status'] as Record<string, unknown>;

describe('schedules', () => {
  it('make the run of a tick as Argo names, labels and owns it', async () => {
    const { metadata } = await resources.create(cronWorkflow());
    await scheduler().round();
    nowMs = Date.parse('2024-03-01T10:01:00.200Z');
    await scheduler().round();
    const child = await store.workflows.getByName('argo', nameAt('10:01:00'));
    expect(child?.submitted.metadata).toMatchObject({
      labels: { team: 'red', 'workflows.argoproj.io/cron-workflow': 'tick' },
      annotations: { note: 'x', 'workflows.argoproj.io/scheduled-time': '2024-03-01T10:01:00Z' },
      ownerReferences: [{ kind: 'CronWorkflow', name: 'tick', uid: metadata.uid, controller: true, blockOwnerDeletion: true }],
    });
    const stored = await resources.get(KEY);
    expect(stored['status']).toEqual({
      active: [
        {
          apiVersion: 'argoproj.io/v1alpha1',
          kind: 'Workflow',
          name: nameAt('10:01:00'),
          namespace: 'argo',
          uid: child?.uid,
        },
      ],
      lastScheduledTime: '2024-03-01T10:01:00Z',
      conditions: null,
      succeeded: 0,
      failed: 0,
      phase: 'Active',
    });
    expect(stored.metadata.annotations).toEqual({ 'cronworkflows.argoproj.io/last-used-schedule': '* * * * *' });
  });

  it('leave an object alone that has not run', async () => {
    const { metadata } = await resources.create(cronWorkflow({ schedules: ['0 0 1 1 *'] }));
    await scheduler().round();
    expect((await resources.get(KEY)).metadata.resourceVersion).toBe(metadata.resourceVersion);
  });

  it('make one run for each tick, however many schedulers look at the same time', async () => {
    await resources.create(cronWorkflow({ schedules: ['@every 1s'], startingDeadlineSeconds: 10 }));
    const many = Array.from({ length: 4 }, () => scheduler());
    await Promise.all(many.map((one) => one.round()));
    for (let tick = 0; tick < 20; tick += 1) {
      nowMs += 1000;
      await Promise.all(many.map((one) => one.round()));
    }
    const expected = Array.from({ length: 20 }, (_, tick) => `tick-${START_MS / 1000 + tick + 1}`);
    expect(await childNames()).toEqual(expected);
  });

  it('make one run for each tick, wherever a scheduler is killed, and tell the same in the end', async () => {
    const ends: unknown[] = [];
    for (let at = 0; ; at += 1) {
      await resources.create(cronWorkflow({ concurrencyPolicy: 'Replace', failedJobsHistoryLimit: 0 }));
      await scheduler().round();
      nowMs += MINUTE_MS;
      await scheduler().round();
      await end(nameAt('10:01:00'), 'Failed');
      nowMs += MINUTE_MS;
      await scheduler().round();
      nowMs += MINUTE_MS;
      const fault = new Fault(at);
      await scheduler(fault).round();
      for (let round = 0; round < 2; round += 1) await scheduler().round();
      const marked = await store.database.run({ text: 'SELECT name FROM workflows WHERE deleted_at_ms IS NOT NULL' });
      const requests = await store.database.run({ text: 'SELECT count(*) AS count FROM workflow_requests' });
      const { active, ...status } = await statusOf();
      const names = (active as { name: string }[]).map(({ name }) => name);
      ends.push({ names: await childNames(), marked, requests, status, active: names });
      await resources.delete(KEY);
      await store.database.run({
        text: 'TRUNCATE workflows, workflow_state, schedules, workflow_inbox, workflow_requests, handoffs',
      });
      nowMs = START_MS;
      if (at > fault.calls) break;
    }
    expect(ends.length).toBeGreaterThan(10);
    for (const found of ends) expect(found).toEqual(ends[0]);
    expect(ends[0]).toMatchObject({
      names: [nameAt('10:01:00'), nameAt('10:02:00'), nameAt('10:03:00')],
      marked: [{ name: nameAt('10:01:00') }],
      requests: [{ count: 1 }],
      status: { failed: 1, lastScheduledTime: '2024-03-01T10:03:00Z' },
      active: [nameAt('10:02:00'), nameAt('10:03:00')],
    });
  });

  it('keep as many ended runs as the limits say, those that ended last', async () => {
    await resources.create(cronWorkflow({ successfulJobsHistoryLimit: 2, failedJobsHistoryLimit: 1 }));
    await scheduler().round();
    for (const [time, phase] of [
      ['10:01:00', 'Succeeded'],
      ['10:02:00', 'Succeeded'],
      ['10:03:00', 'Failed'],
      ['10:04:00', 'Error'],
      ['10:05:00', 'Succeeded'],
    ] as const) {
      nowMs += MINUTE_MS;
      await scheduler().round();
      await end(nameAt(time), phase);
    }
    nowMs += 1000;
    await scheduler().round();
    const marked = await store.database.run<{ name: string }>({
      text: 'SELECT name FROM workflows WHERE deleted_at_ms IS NOT NULL ORDER BY name',
    });
    expect(marked.map(({ name }) => name)).toEqual([nameAt('10:01:00'), nameAt('10:03:00')]);
    expect(await statusOf()).toMatchObject({ succeeded: 3, failed: 2, active: null });
  });

  it('say why a run cannot be submitted, and run again when the template is there', async () => {
    await resources.create(cronWorkflow({ workflowSpec: { workflowTemplateRef: { name: 'later' } } }));
    await scheduler().round();
    nowMs += MINUTE_MS;
    await scheduler().round();
    expect(await childNames()).toEqual([]);
    expect(await statusOf()).toMatchObject({
      lastScheduledTime: null,
      conditions: [{ type: 'SubmissionError', status: 'True', message: expect.stringContaining('later') as unknown }],
    });
    await resources.create({
      apiVersion: 'argoproj.io/v1alpha1',
      kind: 'WorkflowTemplate',
      metadata: { name: 'later', namespace: 'argo' },
      spec: { entrypoint: 'main', templates: [{ name: 'main', container: { image: 'busybox' } }] },
    });
    nowMs += MINUTE_MS;
    await scheduler().round();
    expect(await childNames()).toEqual([nameAt('10:02:00')]);
    expect(await statusOf()).toMatchObject({ conditions: null });
  });

  it('mark an object whose stopStrategy says that it is enough', async () => {
    await resources.create(cronWorkflow({ stopStrategy: { expression: 'cronworkflow.failed >= 1' } }));
    await scheduler().round();
    nowMs += MINUTE_MS;
    await scheduler().round();
    await end(nameAt('10:01:00'), 'Failed');
    nowMs += MINUTE_MS;
    await scheduler().round();
    const stored = await resources.get(KEY);
    expect(stored['status']).toMatchObject({ phase: 'Stopped', failed: 1 });
    expect(stored.metadata.labels).toEqual({ 'cronworkflows.argoproj.io/completed': 'true' });
    expect(await childNames()).toEqual([nameAt('10:01:00')]);
  });

  it('take the runs with them when they are deleted, and leave those of others', async () => {
    await resources.create(cronWorkflow());
    await scheduler().round();
    nowMs += MINUTE_MS;
    await scheduler().round();
    await store.workflows.insert({
      submitted: {
        metadata: { uid: 'other', namespace: 'argo', name: 'other', labels: { 'workflows.argoproj.io/cron-workflow': 'tick' } },
        spec: {},
      },
      createdAtMs: nowMs,
    });
    await resources.delete(KEY);
    await scheduler().round();
    const left = await store.database.run({ text: 'SELECT name FROM workflows WHERE deleted_at_ms IS NULL' });
    expect(left).toEqual([{ name: 'other' }]);
    expect(await store.schedules.keys()).toEqual([]);
  });

  it('go on from what the real Argo wrote into the status', async () => {
    await resources.create({
      ...cronWorkflow({ startingDeadlineSeconds: 300 }),
      status: { lastScheduledTime: '2024-03-01T09:00:00Z', succeeded: 7, failed: 2, phase: 'Active' },
    });
    await scheduler().round();
    nowMs += MINUTE_MS;
    await scheduler().round();
    expect(await statusOf()).toMatchObject({ succeeded: 7, failed: 2, lastScheduledTime: '2024-03-01T10:01:00Z' });
  });

  it("leave another installation's CronWorkflows alone", async () => {
    await resources.create(cronWorkflow({}, { labels: { 'workflows.argoproj.io/controller-instanceid': 'other' } }));
    await scheduler().round();
    nowMs += MINUTE_MS;
    await scheduler().round();
    expect(await childNames()).toEqual([]);
  });
});
