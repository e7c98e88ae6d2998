import { afterAll, expect, it } from 'vitest';

import { type NodeRow } from '#libs/engine';
import { postgresTemplate, seededRandom } from '#libs/testing';
import { type Workflow } from '#libs/workflow-spec';

import { createStore } from '../index.js';

const NOW = 1_700_000_000_000;
const WRITERS = 12;
const STEPS = 250;
const SOME = ['a', 'b', 'c', 'd', 'e'];

const database = await postgresTemplate();
const store = createStore({ connection: database.connection, clock: { nowMs: () => NOW }, maxConnections: WRITERS });
afterAll(async () => {
  await store.close();
  await database.drop();
});

/** Everything that services write about a few workflows, by one writer of many; in whatever order. */
function writer(seed: number) {
  const random = seededRandom(seed);
  const pick = <Item>(items: readonly Item[]): Item => items[Math.floor(random() * items.length)] as Item;
  const shuffled = <Item>(items: readonly Item[]): Item[] =>
    items
      .map((item) => ({ item, at: random() }))
      .sort((left, right) => left.at - right.at)
      .map(({ item }) => item);
  const uid = (): string => `wf-${pick(SOME)}`;
  const metadataOf = (of: string) => ({ uid: of, namespace: 'argo', name: of });
  const keys = (of: string) => shuffled(SOME).map((nodeId) => ({ workflowUid: of, nodeId, incarnation: 0 }));
  const nodes = (): NodeRow[] =>
    shuffled(SOME).map((id, ordinal) => ({ id, ordinal, parents: [], status: { id, name: id, type: 'Pod' } }));
  const header = { engineLevel: 1, status: { phase: 'Succeeded' as const }, labels: {}, annotations: {}, internal: {} };
  const locks = (of: string) => ({
    releases: 'all' as const,
    wants: shuffled(SOME.slice(0, 3)).map((name) => ({
      ...{ holder: `${of}-${name}`, attempt: 1, priority: 0 },
      locks: shuffled(SOME).map((lock) => ({ name: lock, shown: lock, kind: 'mutex' as const, limit: 2 })),
    })),
  });
  const workflowOf = (of: string): Workflow => {
    const finishedAt = `2026-01-01T00:00:0${Math.floor(random() * 10)}Z`;
    const labels = Object.fromEntries(shuffled(SOME).map((name) => [name, String(random())]));
    return {
      ...{ apiVersion: 'argoproj.io/v1alpha1', kind: 'Workflow', metadata: { ...metadataOf(of), labels }, spec: {} },
      status: { phase: 'Succeeded', startedAt: finishedAt, finishedAt },
    };
  };
  let version = 0;
  const deletion = (workflowUid: string, objectId: string) => ({
    ...{ workflowUid, workflowName: workflowUid, namespace: 'argo', nodeId: 'n', artifactName: objectId, objectId },
    ...{
      strategy: 'OnWorkflowCompletion' as const,
      location: {},
      giveUp: false,
      lenderNamespace: null,
      parentId: null,
      nowMs: NOW,
    },
  });
  const resource = (name: string) => ({ kind: 'ConfigMap', namespace: 'argo', name });
  const body = (name: string) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name } });

  const scheduler: (() => Promise<unknown>)[] = [
    () =>
      store.workflows.insertMany(
        shuffled(SOME).map((name) => ({ submitted: { metadata: metadataOf(`wf-${name}`), spec: {} }, createdAtMs: NOW })),
      ),
    async () => {
      const of = uid();
      const state = await store.workflowState.loadInbox(of, { limit: 100 });
      return store.workflowState.commit({
        ...{ uid: of, expectedVersion: state?.version ?? 0, header, nodes: nodes(), nowMs: NOW },
        podInserts: shuffled(SOME).map((nodeId) => ({
          nodeId,
          incarnation: 0,
          podName: nodeId,
          namespace: 'argo',
          bucket: 0,
          manifest: {},
        })),
        consumedInboxIds: shuffled(state?.entries ?? []).map(({ id }) => id),
        memos: shuffled(SOME).map((key) => ({ namespace: 'argo', cache: 'c', key, entry: {} as never, lastHitAtMs: NOW })),
        ...(random() < 0.5 ? {} : { locks: locks(of) }),
        ...(random() < 0.5 ? {} : { admission: { want: { priority: 0 }, limits: { controller: 3, byNamespace: {} } } }),
      });
    },
    async () => {
      const of = uid();
      const state = await store.workflowState.loadInbox(of, { limit: 1 });
      const podDesired = shuffled(SOME).map((nodeId) => ({
        nodeId,
        incarnation: 0,
        desired: pick(['terminate', 'delete'] as const),
      }));
      return store.workflowState.commit({ uid: of, expectedVersion: state?.version ?? 0, podDesired, nowMs: NOW });
    },
    () => store.retention.markDeleted(uid(), NOW),
    () => store.retention.step(uid(), { nowMs: NOW, longestWaitMs: 0 }),
    () => store.retention.step(uid(), { nowMs: NOW, longestWaitMs: 0 }),
    () => store.memos.purgeUnused({ beforeMs: NOW + 1, limit: 3 }),
    () => store.pods.purgeDeleted({ deletedBeforeMs: NOW, limit: 7 }),
    () => store.requests.prune(NOW + 1, 3),
    () => store.locks.releaseAll(uid(), NOW),
    () => store.locks.grant(shuffled(SOME), NOW),
    () => store.locks.forgetIdle(NOW + 1),
    () =>
      store.takeover.overtake(uid(), {
        ...{
          header,
          nodes: nodes(),
          shownVersion: 1_000,
          expiresAtMs: null,
          handoffs: ['record', 'archive'],
          isArchived: random() < 0.5,
        },
        ...{ nowMs: NOW, locks: shuffled(SOME).map((name) => ({ name, shown: name, kind: 'mutex', holder: name }) as never) },
      }),
  ];
  const others: (() => Promise<unknown>)[] = [
    () => store.podStatus.claimMany(keys(uid()), 'host', NOW),
    () =>
      store.podStatus.record(
        keys(uid()).map((identity) => ({ identity, phase: pick(['Running', 'Succeeded'] as const) })),
        'host',
        NOW,
      ),
    () => store.podStatus.markDeletedMany(keys(uid()), NOW),
    () => store.podStatus.touch(keys(uid()), NOW),
    () => store.requests.insert({ requestId: `${random()}`, workflow: uid(), request: { kind: 'stop' } as never }, NOW),
    () => {
      const of = uid();
      const offload = random() < 0.5 ? { offload: { version: pick(SOME), nodes: '{}' } } : {};
      const record = { encoding: 'offloaded' as const, body: '{}', ...offload };
      return store.records.write({
        workflow: metadataOf(of),
        version: (version += 1),
        labels: {},
        record: record,
        costMs: 1,
        nowMs: NOW,
      });
    },
    () => store.records.pruneOffloaded(NOW + 1, 3),
    () => store.records.reopenMisplaced(undefined, 3, NOW),
    () => store.handoffs.complete('record', uid(), version),
    () => store.archive.upsert({ workflow: workflowOf(uid()), version: (version += 1), nowMs: NOW, createdAtMs: NOW }),
    () => store.archive.skip(uid(), version, NOW),
    () => store.archive.delete(uid()),
    () => store.archive.deleteFinishedBefore(Date.UTC(2026, 0, 1, 0, 0, 5), 3),
    () => store.artifactDeletions.markPlanned(uid(), pick(['OnWorkflowCompletion', 'OnWorkflowDeletion'] as const), NOW),
    () => {
      const of = uid();
      return store.artifactDeletions.insertMany(shuffled(SOME).map((id) => deletion(of, id)));
    },
    async () => {
      const due = await store.artifactDeletions.duePage({ workflowUid: uid(), nowMs: NOW, limit: 10 });
      return store.artifactDeletions.recordResults(
        shuffled(due).map(({ id }) => ({ id, state: 'deleted' as const })),
        NOW,
      );
    },
    () => store.artifactDeletions.purgeFinished({ finishedBeforeMs: NOW + 1, limit: 3 }),
    () => store.resources.insert({ ...resource(pick(SOME)), uid: `${random()}`, labels: {}, body: body('x'), nowMs: NOW }),
    () => store.resources.replace({ ...resource(pick(SOME)), labels: {}, body: body('x'), nowMs: NOW }),
    () => store.resources.remove(resource(pick(SOME)), NOW),
    () => store.resources.compact(NOW + 1),
  ];
  return () => pick(random() < 0.5 ? scheduler : others)();
}

it('whatever services write about the same workflows at the same time, nobody waits in a circle', async () => {
  const failures: string[] = [];
  let doneCount = 0;
  await Promise.all(
    Array.from({ length: WRITERS }, async (_, seed) => {
      const write = writer(seed);
      for (let step = 0; step < STEPS; step += 1) {
        await write().then(
          () => (doneCount += 1),
          (error: Error) => failures.push(`${error.message} ${JSON.stringify(error.cause)}`),
        );
      }
    }),
  );
  expect(failures).toEqual([]);
  expect(doneCount).toBe(WRITERS * STEPS);
  // Workflows came, wanted locks and had deletions planned; what of it is left at the end is chance.
  const [row] = await store.database.run({
    text: `SELECT (SELECT last_value FROM workflow_revisions) > 100 AS came, (SELECT last_value FROM lock_claims) > 10 AS wanted,
      (SELECT last_value FROM artifact_deletions_id_seq) > 100 AS planned`,
  });
  expect(row).toEqual({ came: true, wanted: true, planned: true });
});
