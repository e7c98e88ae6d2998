import { type PodManifest } from '#libs/pod-spec';

import { type Database } from '../connection/database.js';
import { type PodKey } from './pod-identity.js';
import { FINAL_RANK } from './pod-phase.js';
import { type PodDesired } from './pod.repository.js';

/** A task that a host has begun: its row among the pods. */
export interface TaskRow {
  key: PodKey;
  desired: PodDesired;
  manifest: PodManifest;
}

const PAGE = 500;

/** Rows of pods that hold a task instead of containers. Nothing but the rows outlives the process that does a task. */
export class TaskRepository {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Tasks of a host that were observed and have not ended; what was only claimed is found as work. */
  async openOf(host: string): Promise<TaskRow[]> {
    const found: TaskRow[] = [];
    for (;;) {
      const after = found.at(-1)?.key;
      const rows = await this.#database.run<PodKey & { desired: PodDesired; manifest: PodManifest }>({
        name: 'tasks-open',
        text: `
          SELECT st.workflow AS "workflowUid", st.node_id AS "nodeId", st.incarnation, p.desired, p.manifest
          FROM pod_status st JOIN pods p USING (workflow, node_id, incarnation)
          WHERE st.host = $1 AND st.phase_rank > 0 AND st.phase_rank < ${FINAL_RANK} AND p.manifest #> '{work,task}' IS NOT NULL
            AND (st.workflow, st.node_id, st.incarnation) > ($2, $3, $4)
          ORDER BY st.workflow, st.node_id, st.incarnation LIMIT ${PAGE}`,
        values: [host, after?.workflowUid ?? '', after?.nodeId ?? '', after?.incarnation ?? -1],
      });
      found.push(...rows.map(({ desired, manifest, ...key }) => ({ key, desired, manifest })));
      if (rows.length < PAGE) return found;
    }
  }

  /**
   * Gives back the tasks of a host that will not end them, for any host to do them again; returns how many. Only while nobody has asked for their end: that is
   * for the one who reports them.
   */
  async release(host: string): Promise<number> {
    const rows = await this.#database.run({
      name: 'tasks-release',
      text: `
        DELETE FROM pod_status st USING pods p
        WHERE st.host = $1 AND st.phase_rank < ${FINAL_RANK} AND p.desired = 'run' AND p.manifest #> '{work,task}' IS NOT NULL
          AND p.workflow = st.workflow AND p.node_id = st.node_id AND p.incarnation = st.incarnation RETURNING 1`,
      values: [host],
    });
    return rows.length;
  }
}
