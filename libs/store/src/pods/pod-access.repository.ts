import type { WorkflowHeader } from '#libs/engine';
import type { PodManifest } from '#libs/pod-spec';
import type { WorkflowStatus } from '#libs/workflow-spec';

import type { Database } from '../connection/database.js';
import type { PodKey } from './pod-identity.js';
import { FINAL_RANK } from './pod-phase.js';

/** What has to be known of a pod that asks for something. */
export interface PodAccess {
  manifest: PodManifest;
  namespace: string;
  /** When it ended or was to be deleted, milliseconds since 1970; null while it may work. */
  endedAtMs: number | null;
  /** The repository that its workflow was begun with, and where that was found. */
  repository: WorkflowStatus['artifactRepositoryRef'];
}

interface AccessRow {
  manifest: PodManifest;
  namespace: string;
  endedAtMs: number | null;
  header: WorkflowHeader | null;
}

/** Looks pods up by their identity, for those who speak for them. */
export class PodAccessRepository {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Undefined where there is no such pod (any more). */
  async find({ workflowUid, nodeId, incarnation }: PodKey): Promise<PodAccess | undefined> {
    const rows = await this.#database.run<AccessRow>({
      name: 'pod-access',
      text: `
        SELECT p.manifest, p.namespace, s.header, coalesce(st.deleted_at_ms,
          CASE WHEN st.phase_rank >= ${FINAL_RANK} THEN st.updated_at_ms END, CASE WHEN p.desired = 'delete' THEN p.changed_at_ms END) AS "endedAtMs"
        FROM pods p JOIN workflow_state s ON s.uid = p.workflow
          LEFT JOIN pod_status st ON st.workflow = p.workflow AND st.node_id = p.node_id AND st.incarnation = p.incarnation
        WHERE p.workflow = $1 AND p.node_id = $2 AND p.incarnation = $3`,
      values: [workflowUid, nodeId, incarnation],
    });
    const row = rows[0];
    if (row === undefined) return undefined;
    const { header, ...access } = row;
    return { ...access, repository: header?.status.artifactRepositoryRef };
  }
}
