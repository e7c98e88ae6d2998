import { expect, it } from 'vitest';

import { testStore } from '#libs/testing';

import { type CheckName, fsck } from './fsck.js';

const NOW = 1_700_000_000_000;
const { store } = await testStore({ nowMs: () => NOW });

const sql = (text: string) => store.database.run({ text });

async function workflow(uid: string, phase: 'Running' | 'Succeeded'): Promise<void> {
  await store.workflows.insert({
    submitted: { metadata: { uid, namespace: 'argo', name: uid }, spec: {} },
    createdAtMs: NOW - 100_000,
  });
  await store.workflowState.commit({
    uid,
    expectedVersion: 0,
    header: { engineLevel: 1, status: { phase }, labels: {}, annotations: {}, internal: {} },
    nodes: [{ id: uid, parents: [], ordinal: 0, status: { id: uid, name: uid, type: 'Pod', phase } }],
    ...(phase === 'Running' ? { nextWakeAtMs: NOW + 1000 } : {}),
    podInserts: [{ nodeId: uid, incarnation: 0, podName: uid, namespace: 'argo', bucket: 0, manifest: {} }],
    podDesired: phase === 'Running' ? [] : [{ nodeId: uid, incarnation: 0, desired: 'delete' }],
    nowMs: NOW - 100_000,
  });
}

/** What is broken in the tables, what fsck calls it, and whether it can put it right. */
const DAMAGES: { check: CheckName; break: (uid: string) => string; phase: 'Running' | 'Succeeded'; repairs: boolean }[] = [
  {
    check: 'workflow-without-state',
    phase: 'Running',
    repairs: true,
    break: (uid) => `DELETE FROM workflow_state WHERE uid = '${uid}'`,
  },
  {
    check: 'state-without-workflow',
    phase: 'Running',
    repairs: true,
    break: (uid) => `DELETE FROM workflows WHERE uid = '${uid}'`,
  },
  {
    check: 'rows-of-unknown-workflow',
    phase: 'Running',
    repairs: true,
    break: (uid) => `INSERT INTO workflow_inbox (workflow, kind, body, created_at_ms) VALUES ('${uid}-gone', 'poke', '{}', 0)`,
  },
  {
    check: 'node-boundary-missing',
    phase: 'Running',
    repairs: false,
    break: (uid) => `UPDATE workflow_nodes SET boundary_id = 'nowhere' WHERE workflow = '${uid}'`,
  },
  {
    check: 'phase-differs-from-root',
    phase: 'Succeeded',
    repairs: false,
    break: (uid) => `UPDATE workflow_nodes SET phase = 'Failed' WHERE workflow = '${uid}'`,
  },
  {
    check: 'finished-with-open-nodes',
    phase: 'Succeeded',
    repairs: false,
    break: (uid) => `UPDATE workflow_nodes SET phase = 'Running' WHERE workflow = '${uid}'`,
  },
  {
    check: 'finished-with-running-pods',
    phase: 'Succeeded',
    repairs: true,
    break: (uid) => `UPDATE pods SET desired = 'run' WHERE workflow = '${uid}'`,
  },
  {
    check: 'status-without-pod',
    phase: 'Running',
    repairs: true,
    break: (
      uid,
    ) => `INSERT INTO pod_status (workflow, node_id, incarnation, host, phase, phase_rank, claimed_at_ms, updated_at_ms)
      VALUES ('${uid}', 'other', 0, 'h', 'Running', 2, 0, 0)`,
  },
  {
    check: 'stuck',
    phase: 'Running',
    repairs: true,
    break: (uid) =>
      `WITH p AS (UPDATE pods SET desired = 'delete' WHERE workflow = '${uid}') UPDATE workflow_state SET next_wake_at_ms = NULL WHERE uid = '${uid}'`,
  },
  {
    check: 'unread-inbox-of-finished',
    phase: 'Succeeded',
    repairs: false,
    break: (uid) => `INSERT INTO workflow_inbox (workflow, kind, body, created_at_ms) VALUES ('${uid}', 'poke', '{}', 0)`,
  },
  {
    check: 'handoff-of-unfinished',
    phase: 'Running',
    repairs: false,
    break: (uid) => `INSERT INTO handoffs (queue, workflow, version, requested_at_ms) VALUES ('archive', '${uid}', 1, 0)`,
  },
  {
    check: 'archive-row-missing',
    phase: 'Succeeded',
    repairs: true,
    break: (uid) => `DELETE FROM handoffs WHERE queue = 'archive' AND workflow = '${uid}'`,
  },
  {
    check: 'record-missing',
    phase: 'Succeeded',
    repairs: true,
    break: (uid) => `DELETE FROM handoffs WHERE queue = 'record' AND workflow = '${uid}'`,
  },
  {
    check: 'record-duplicate',
    phase: 'Succeeded',
    repairs: false,
    break: (uid) => `WITH m AS (INSERT INTO archive_marks VALUES ('${uid}', 1, true, 0))
      INSERT INTO argo_archived_workflows (uid, name, phase, namespace, workflow, clustername, instanceid)
      SELECT '${uid}', '${uid}', 'Succeeded', 'argo', '{}', cluster, '' FROM unnest(ARRAY['default', 'second']) AS cluster`,
  },
  {
    check: 'unanswered-request',
    phase: 'Running',
    repairs: false,
    break: (uid) => `INSERT INTO workflow_requests (request_id, workflow, created_at_ms) VALUES ('r-${uid}', '${uid}', 0)`,
  },
  {
    check: 'lock-of-finished',
    phase: 'Succeeded',
    repairs: true,
    break: (uid) =>
      `INSERT INTO locks (name, holder, workflow, attempt, acquired_at_ms) VALUES ('mtx/argo/m', '', '${uid}', 1, 0)`,
  },
];

it('finds nothing in tables that are as they should be', async () => {
  await workflow('sound-running', 'Running');
  await workflow('sound-finished', 'Succeeded');
  expect((await fsck(store)).findings).toEqual([]);
});

it.each(DAMAGES)('finds $check and says whether it put it right', async (damage) => {
  const uid = `damaged-${damage.check}`;
  await workflow(uid, damage.phase);
  await sql(damage.break(uid));
  const found = (await fsck(store)).findings.filter(({ check, workflow }) => check === damage.check && workflow.startsWith(uid));
  expect(found).toHaveLength(1);
  const repairing = await fsck(store, { repair: true });
  expect(repairing.findings.find(({ check, workflow }) => check === damage.check && workflow.startsWith(uid))?.repaired).toBe(
    damage.repairs,
  );
  const after = (await fsck(store)).findings.filter(({ check, workflow }) => check === damage.check && workflow.startsWith(uid));
  expect(after).toHaveLength(damage.repairs ? 0 : 1);
});
