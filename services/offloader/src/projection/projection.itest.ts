import { describe, expect, it } from 'vitest';

import { renderWorkflow, type NodeRow, type WorkflowHeader } from '#libs/engine';
import { hydrateRecord, StoreUnavailableError } from '#libs/store';
import { testStore } from '#libs/testing';
import type { Workflow } from '#libs/workflow-spec';
import { ProjectionService } from './projection.service.js';

let nowMs = 1_700_000_000_000;
const clock = { nowMs: () => nowMs };
const { store } = await testStore(clock);

const policy = async () => ({ offload: true });
const elsewhere = async () => undefined;
const projection = (
  settings: Partial<ConstructorParameters<typeof ProjectionService>[1]> = {},
  ports: Partial<ConstructorParameters<typeof ProjectionService>[0]> = {},
) =>
  new ProjectionService(
    { states: store.workflowState, records: store.records, handoffs: store.handoffs, policy, elsewhere, clock, ...ports },
    { maxSizeBytes: 1_048_576, alwaysOffload: false, intervalMs: 1000, ...settings },
  );
const header = (phase: 'Running' | 'Succeeded'): WorkflowHeader => ({
  engineLevel: 1,
  status: { phase },
  labels: { phase },
  annotations: {},
  internal: {},
});
const nodes = (count: number, message = ''): NodeRow[] =>
  Array.from({ length: count }, (_, ordinal) => ({
    id: `n${ordinal}`,
    parents: ordinal === 0 ? [] : ['n0'],
    ordinal,
    status: { id: `n${ordinal}`, name: `n${ordinal}`, type: 'Pod', phase: 'Succeeded', message },
  }));

let counter = 0;
async function commit(phase: 'Running' | 'Succeeded', rows: NodeRow[]): Promise<string> {
  const uid = `record-${++counter}`;
  await store.workflows.insert({
    submitted: { metadata: { uid, namespace: 'argo', name: uid }, spec: { entrypoint: 'main' } },
    createdAtMs: nowMs,
  });
  await store.workflowState.commit({ uid, expectedVersion: 0, header: header(phase), nodes: rows, nowMs });
  return uid;
}
const recordOf = async (uid: string) =>
  (await store.resources.find({ kind: 'Workflow', namespace: 'argo', name: uid }))?.body as Workflow | undefined;
const hydrated = async (uid: string) =>
  hydrateRecord((await recordOf(uid))!, (version) => store.records.readOffloaded(uid, version));
const rendered = async (uid: string) => {
  const state = (await store.workflowState.load(uid))!;
  return renderWorkflow(state.submitted, state.header, state.nodes);
};

describe('the record of a workflow', () => {
  it('is made at once when it has ended, and the handoff is taken off', async () => {
    const uid = await commit('Succeeded', nodes(3));
    expect(await projection().project(uid)).toBeUndefined();
    expect(await recordOf(uid)).toEqual(await rendered(uid));
    expect(await store.handoffs.latestVersion('record', uid)).toBeUndefined();
    expect((await store.records.standing(uid))?.mark).toMatchObject({ version: 1, encoding: 'inline' });
  });

  it.each([
    ['compressed', 20_000, 'x'.repeat(200)],
    ['offloaded', 2_000, ''],
  ] as const)(
    'is %s where it is larger than it may be, and gives its nodes all the same',
    async (encoding, maxSizeBytes, message) => {
      const uid = await commit('Succeeded', nodes(400, message));
      await projection({ maxSizeBytes }).project(uid);
      expect((await store.records.standing(uid))?.mark).toMatchObject({ encoding });
      expect(JSON.stringify(await recordOf(uid)).length).toBeLessThan(maxSizeBytes);
      expect(await hydrated(uid)).toEqual(await rendered(uid));
      expect(await store.records.reopenMisplaced(undefined, 10, nowMs)).toEqual([]);
    },
  );

  it('says that its nodes are left out where they are too large and may not be offloaded', async () => {
    const uid = await commit('Succeeded', nodes(400));
    await projection({ maxSizeBytes: 2_000, alwaysOffload: true }, { policy: async () => ({ offload: false }) }).project(uid);
    expect((await store.records.standing(uid))?.mark).toMatchObject({ encoding: 'omitted' });
    const { status } = (await recordOf(uid))!;
    expect([status?.phase, status?.nodes]).toEqual(['Succeeded', undefined]);
    expect(status?.conditions).toEqual([
      {
        type: 'NodesOmitted',
        status: 'True',
        message: expect.stringMatching(/ 2000 of MAX_WORKFLOW_SIZE.*nodeStatusOffLoad is off$/),
      },
    ]);
    expect(Object.keys((await rendered(uid)).status?.nodes ?? {})).toHaveLength(400);

    expect(await store.records.reopenMisplaced(undefined, 10, nowMs)).toEqual([uid]);
    expect(await store.records.reopenMisplaced(undefined, 10, nowMs)).toEqual([]);
    expect(await store.handoffs.latestVersion('record', uid)).toBe(1);
    await projection({ maxSizeBytes: 2_000 }).project(uid);
    expect(await hydrated(uid)).toEqual(await rendered(uid));
  });

  it('waits while the database that its nodes go to is away, and follows', async () => {
    const uid = await commit('Succeeded', nodes(3));
    const saved: string[] = [];
    let isAway = true;
    const target = {
      save: async ({ version }: { version: string }) => {
        if (isAway) throw new StoreUnavailableError('away');
        saved.push(version);
      },
    };
    const offloading = projection({ alwaysOffload: true }, { elsewhere: async () => target });
    await expect(offloading.project(uid)).rejects.toThrow('away');
    expect(await recordOf(uid)).toBeUndefined();
    isAway = false;
    await offloading.project(uid);
    expect(saved).toEqual([(await recordOf(uid))?.status?.offloadNodeStatusVersion]);
    expect(await store.records.readOffloaded(uid, saved[0]!)).toBeUndefined();

    expect(await store.records.reopenMisplaced(undefined, 10, nowMs)).toEqual([uid]);
    await projection({ alwaysOffload: true }).project(uid);
    expect(await hydrated(uid)).toEqual(await rendered(uid));
    expect(await store.records.reopenMisplaced('somewhere else', 10, nowMs)).toContain(uid);
  });

  it('is made at most once per interval while the workflow runs', async () => {
    const uid = await commit('Running', nodes(1));
    const first = await projection().project(uid);
    expect(first).toEqual({ wakeAtMs: nowMs + 1000 });
    nowMs += 1000;
    expect(await projection().project(uid)).toBeUndefined();
    expect((await recordOf(uid))?.status?.phase).toBe('Running');
    await store.workflowState.commit({ uid, expectedVersion: 1, header: header('Running'), nodes: nodes(2), nowMs });
    expect(await projection().project(uid)).toMatchObject({ wakeAtMs: expect.any(Number) });
    await store.workflowState.commit({ uid, expectedVersion: 2, header: header('Succeeded'), nowMs });
    expect(await projection().project(uid)).toBeUndefined();
    expect((await recordOf(uid))?.status?.phase).toBe('Succeeded');
  });

  it('never goes back to an older version, whoever comes late', async () => {
    const uid = await commit('Succeeded', nodes(2));
    const late = await store.workflowState.load(uid);
    await store.workflowState.commit({
      uid,
      expectedVersion: 1,
      header: { ...header('Succeeded'), labels: { newer: 'yes' } },
      nowMs,
    });
    await projection().project(uid);
    const slow = new ProjectionService(
      {
        states: { load: async () => late },
        records: {
          standing: async (of) => {
            const { mark: _mark, ...standing } = (await store.records.standing(of))!;
            return standing;
          },
          write: (write) => store.records.write(write),
        },
        handoffs: store.handoffs,
        policy,
        elsewhere,
        clock,
      },
      { maxSizeBytes: 1_000_000, alwaysOffload: false, intervalMs: 0 },
    );
    await slow.project(uid);
    expect((await recordOf(uid))?.metadata.labels).toEqual({ newer: 'yes' });
  });

  it('leaves offloaded versions behind that are dropped once they are old and unnamed', async () => {
    const uid = await commit('Running', nodes(2));
    nowMs += 1000;
    const offloading = projection({ alwaysOffload: true, intervalMs: 0 });
    await offloading.project(uid);
    await store.workflowState.commit({ uid, expectedVersion: 1, header: header('Succeeded'), nodes: nodes(3), nowMs });
    await offloading.project(uid);
    const rows = () => store.database.run({ text: 'SELECT 1 FROM argo_workflows WHERE uid = $1', values: [uid] });
    expect(await rows()).toHaveLength(2);
    await store.records.pruneOffloaded(nowMs, 100);
    expect(await rows()).toHaveLength(2);
    await store.records.pruneOffloaded(nowMs + 1, 100);
    expect(await rows()).toHaveLength(1);
    expect(await hydrated(uid)).toEqual(await rendered(uid));
  });

  it("leaves rows of another controller in Argo's table alone", async () => {
    await store.database.run({
      text: `INSERT INTO argo_workflows (uid, namespace, clustername, version, nodes, updatedat)
        VALUES ('stranger', 'argo', 'default', 'fnv:1', '{}', '2001-01-01')`,
    });
    await store.records.pruneOffloaded(nowMs, 100);
    expect(await store.records.readOffloaded('stranger', 'fnv:1')).toEqual({});
  });

  it('of a workflow that is gone is not made again', async () => {
    expect(await projection().project('nobody')).toBeUndefined();
    const uid = await commit('Succeeded', nodes(1));
    const service = new ProjectionService(
      {
        states: {
          load: async () => {
            const state = await store.workflowState.load(uid);
            await store.retention.markDeleted(uid, nowMs);
            while ((await store.retention.step(uid, { nowMs, longestWaitMs: 0 })) !== 'gone');
            return state;
          },
        },
        records: store.records,
        handoffs: store.handoffs,
        policy,
        elsewhere,
        clock,
      },
      { maxSizeBytes: 1_000_000, alwaysOffload: true, intervalMs: 0 },
    );
    await service.project(uid);
    expect(await recordOf(uid)).toBeUndefined();
    expect(await store.database.run({ text: 'SELECT 1 FROM argo_workflows WHERE uid = $1', values: [uid] })).toEqual([]);
  });
});
