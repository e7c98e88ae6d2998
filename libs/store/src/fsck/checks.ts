export type CheckName =
  | 'workflow-without-state'
  | 'state-without-workflow'
  | 'rows-of-unknown-workflow'
  | 'node-boundary-missing'
  | 'phase-differs-from-root'
  | 'finished-with-open-nodes'
  | 'finished-with-running-pods'
  | 'status-without-pod'
  | 'stuck'
  | 'unread-inbox-of-finished'
  | 'handoff-of-unfinished'
  | 'archive-row-missing'
  | 'record-missing'
  | 'record-duplicate'
  | 'unanswered-request'
  | 'lock-of-finished';

/**
 * `find` selects `workflow` and `detail`; `$1`, where used, is the time before which things must have settled. `repair` is given the
 * uids found ($1) and, where used, the time ($2), and must be safe to run twice and beside a working system.
 */
export interface Check {
  name: CheckName;
  find: string;
  repair?: string;
}

const UNKNOWN = (table: string, column = 'workflow') => `
  SELECT DISTINCT t.${column} AS workflow, 'rows in ${table}' AS detail FROM ${table} t
  WHERE NOT EXISTS (SELECT 1 FROM workflows w WHERE w.uid = t.${column})`;

const DEPENDENT = [
  'workflow_nodes',
  'workflow_inbox',
  'workflow_requests',
  'pods',
  'pod_status',
  'handoffs',
  'record_marks',
  'archive_marks',
  'artifact_gc_plans',
];

export const CHECKS: readonly Check[] = [
  {
    name: 'workflow-without-state',
    find: `SELECT w.uid AS workflow, 'no row in workflow_state' AS detail FROM workflows w
      WHERE w.deleted_at_ms IS NULL AND NOT EXISTS (SELECT 1 FROM workflow_state s WHERE s.uid = w.uid)`,
    repair: `INSERT INTO workflow_state (uid, updated_at_ms)
      SELECT uid, $2 FROM workflows WHERE uid = ANY($1) AND deleted_at_ms IS NULL ON CONFLICT DO NOTHING`,
  },
  {
    name: 'state-without-workflow',
    find: `SELECT s.uid AS workflow, 'no row in workflows' AS detail FROM workflow_state s
      WHERE NOT EXISTS (SELECT 1 FROM workflows w WHERE w.uid = s.uid)`,
    repair: `DELETE FROM workflow_state s WHERE s.uid = ANY($1) AND NOT EXISTS (SELECT 1 FROM workflows w WHERE w.uid = s.uid)`,
  },
  ...DEPENDENT.map((table): Check => ({
    name: 'rows-of-unknown-workflow',
    find: UNKNOWN(table),
    repair: `DELETE FROM ${table} t WHERE t.workflow = ANY($1) AND NOT EXISTS (SELECT 1 FROM workflows w WHERE w.uid = t.workflow)`,
  })),
  {
    name: 'rows-of-unknown-workflow',
    find: `SELECT r.uid AS workflow, 'record of a vanished workflow' AS detail FROM resources r
      WHERE r.kind = 'Workflow' AND NOT r.deleted AND NOT EXISTS (SELECT 1 FROM workflows w WHERE w.uid = r.uid)`,
    repair: `DELETE FROM resources r WHERE r.kind = 'Workflow' AND r.uid = ANY($1) AND NOT EXISTS (SELECT 1 FROM workflows w WHERE w.uid = r.uid)`,
  },
  {
    name: 'node-boundary-missing',
    find: `SELECT n.workflow, 'node ' || n.id || ' lies in ' || n.boundary_id || ', which is not there' AS detail FROM workflow_nodes n
      WHERE NOT n.tombstone AND n.boundary_id <> ''
        AND NOT EXISTS (SELECT 1 FROM workflow_nodes b WHERE b.workflow = n.workflow AND b.id = n.boundary_id AND NOT b.tombstone)`,
  },
  {
    name: 'phase-differs-from-root',
    find: `SELECT s.uid AS workflow, 'finished as ' || s.phase || ', its root node is ' || n.phase AS detail
      FROM workflow_state s JOIN workflows w ON w.uid = s.uid JOIN workflow_nodes n ON n.workflow = s.uid AND n.id = w.name AND NOT n.tombstone
      WHERE s.completed AND s.updated_at_ms < $1 AND s.phase = 'Succeeded' AND n.phase NOT IN ('Succeeded', 'Skipped', 'Omitted')`,
  },
  {
    name: 'finished-with-open-nodes',
    find: `SELECT DISTINCT s.uid AS workflow, 'node ' || n.id || ' is ' || n.phase AS detail
      FROM workflow_state s JOIN workflow_nodes n ON n.workflow = s.uid AND NOT n.tombstone
      WHERE s.completed AND s.updated_at_ms < $1 AND s.phase = 'Succeeded' AND n.phase IN ('', 'Pending', 'Running')`,
  },
  {
    name: 'finished-with-running-pods',
    find: `SELECT p.workflow, 'pod ' || p.name || ' is still wanted' AS detail
      FROM pods p JOIN workflow_state s ON s.uid = p.workflow
        LEFT JOIN pod_status st ON st.workflow = p.workflow AND st.node_id = p.node_id AND st.incarnation = p.incarnation
      WHERE s.completed AND s.updated_at_ms < $1 AND p.desired = 'run' AND coalesce(st.phase_rank, 0) < 3`,
    repair: `UPDATE pods p SET desired = 'terminate', changed_at_ms = $2 FROM workflow_state s
      WHERE p.workflow = ANY($1) AND s.uid = p.workflow AND s.completed AND p.desired = 'run'`,
  },
  {
    name: 'status-without-pod',
    find: `SELECT st.workflow, 'status of pod of node ' || st.node_id || ' without the pod' AS detail FROM pod_status st
      WHERE st.updated_at_ms < $1 AND NOT EXISTS (
        SELECT 1 FROM pods p WHERE p.workflow = st.workflow AND p.node_id = st.node_id AND p.incarnation = st.incarnation)`,
    repair: `DELETE FROM pod_status st WHERE st.workflow = ANY($1) AND NOT EXISTS (
      SELECT 1 FROM pods p WHERE p.workflow = st.workflow AND p.node_id = st.node_id AND p.incarnation = st.incarnation)`,
  },
  {
    name: 'stuck',
    find: `SELECT s.uid AS workflow, 'unfinished, and waits neither for a pod, nor for a time, nor for a person' AS detail
      FROM workflow_state s JOIN workflows w ON w.uid = s.uid
      WHERE NOT s.completed AND s.updated_at_ms < $1 AND w.deleted_at_ms IS NULL AND s.next_wake_at_ms IS NULL
        AND NOT EXISTS (SELECT 1 FROM workflow_inbox i WHERE i.workflow = s.uid)
        AND NOT EXISTS (SELECT 1 FROM lock_waiters l WHERE l.workflow = s.uid)
        AND NOT EXISTS (SELECT 1 FROM admission a WHERE a.workflow = s.uid AND NOT a.admitted)
        AND NOT EXISTS (SELECT 1 FROM workflow_nodes n WHERE n.workflow = s.uid AND n.type = 'Suspend' AND n.phase = 'Running' AND NOT n.tombstone)
        AND position('"suspend":true' IN coalesce(s.header::text, '')) = 0 AND position('"suspend":true' IN w.submitted::text) = 0
        AND NOT EXISTS (
          SELECT 1 FROM pods p LEFT JOIN pod_status st ON st.workflow = p.workflow AND st.node_id = p.node_id AND st.incarnation = p.incarnation
          WHERE p.workflow = s.uid AND p.desired <> 'delete' AND coalesce(st.phase_rank, 0) < 3)`,
    // A reason to look again: the scheduler decides anew from the rows.
    repair: `INSERT INTO workflow_inbox (workflow, kind, body, created_at_ms) SELECT uid, 'poke', '{}', $2 FROM unnest($1::text[]) AS uid`,
  },
  {
    name: 'unread-inbox-of-finished',
    find: `SELECT i.workflow, count(*) || ' entries that nobody read, of workflow in version ' || max(s.version) AS detail
      FROM workflow_inbox i JOIN workflow_state s ON s.uid = i.workflow WHERE s.completed AND i.created_at_ms < $1 GROUP BY i.workflow`,
  },
  {
    name: 'handoff-of-unfinished',
    find: `SELECT h.workflow, 'handed to ' || h.queue || ' although it is not finished' AS detail
      FROM handoffs h JOIN workflow_state s ON s.uid = h.workflow JOIN workflows w ON w.uid = h.workflow
      WHERE NOT s.completed AND w.deleted_at_ms IS NULL AND h.requested_at_ms < $1 AND h.queue = 'archive'`,
  },
  {
    name: 'archive-row-missing',
    find: `SELECT s.uid AS workflow, 'finished, but neither archived nor on its way' AS detail FROM workflow_state s JOIN workflows w ON w.uid = s.uid
      WHERE s.completed AND s.updated_at_ms < $1 AND w.deleted_at_ms IS NULL
        AND NOT EXISTS (SELECT 1 FROM archive_marks m WHERE m.workflow = s.uid)
        AND NOT EXISTS (SELECT 1 FROM handoffs h WHERE h.workflow = s.uid AND h.queue = 'archive')`,
    repair: `INSERT INTO handoffs (queue, workflow, version, requested_at_ms)
      SELECT 'archive', uid, version, $2 FROM workflow_state WHERE uid = ANY($1) AND completed ON CONFLICT DO NOTHING`,
  },
  {
    name: 'record-missing',
    find: `SELECT s.uid AS workflow, 'finished, and its record is older than its rows' AS detail FROM workflow_state s JOIN workflows w ON w.uid = s.uid
      WHERE s.completed AND s.updated_at_ms < $1 AND w.deleted_at_ms IS NULL
        AND NOT EXISTS (SELECT 1 FROM record_marks m WHERE m.workflow = s.uid AND m.version >= s.visible_version)
        AND NOT EXISTS (SELECT 1 FROM handoffs h WHERE h.workflow = s.uid AND h.queue = 'record')`,
    repair: `INSERT INTO handoffs (queue, workflow, version, requested_at_ms)
      SELECT 'record', uid, version, $2 FROM workflow_state WHERE uid = ANY($1) AND completed ON CONFLICT DO NOTHING`,
  },
  {
    name: 'record-duplicate',
    find: `SELECT a.uid AS workflow, count(*) || ' rows in the archive' AS detail FROM argo_archived_workflows a
      WHERE EXISTS (SELECT 1 FROM archive_marks m WHERE m.workflow = a.uid) GROUP BY a.uid HAVING count(*) > 1`,
  },
  {
    name: 'unanswered-request',
    find: `SELECT r.workflow, 'request ' || r.request_id || ' is neither answered nor in the inbox' AS detail FROM workflow_requests r
      WHERE r.outcome IS NULL AND r.created_at_ms < $1
        AND NOT EXISTS (SELECT 1 FROM workflow_inbox i WHERE i.workflow = r.workflow AND i.kind = 'request' AND i.subject = r.request_id)`,
  },
  {
    name: 'lock-of-finished',
    find: `SELECT l.workflow, 'holds lock ' || l.name AS detail FROM locks l LEFT JOIN workflow_state s ON s.uid = l.workflow
      WHERE l.acquired_at_ms < $1 AND (s.uid IS NULL OR s.completed AND s.updated_at_ms < $1)`,
    repair: `DELETE FROM locks l WHERE l.workflow = ANY($1)
      AND NOT EXISTS (SELECT 1 FROM workflow_state s WHERE s.uid = l.workflow AND NOT s.completed)`,
  },
];
