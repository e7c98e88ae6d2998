import { type ArtifactLocation } from '#libs/workflow-spec';

import { type Database } from '../connection/database.js';
import { keyColumns, type PodKey } from './pod-identity.js';
import { FINAL_RANK } from './pod-phase.js';

/** The log of one container and its place in the object store. */
export interface ShippedLogRow {
  container: string;
  location: ArtifactLocation;
}

/** The logs of one pod that are not yet one object each. */
export interface LogShipment {
  key: PodKey;
  /** That ships them. */
  host: string;
  /** Whose Secrets open the locations. */
  namespace: string;
  logs: ShippedLogRow[];
  attempts: number;
}

interface Row extends Omit<LogShipment, 'key'> {
  workflow: string;
  node_id: string;
  incarnation: number;
}

const FIELDS = 's.workflow, s.node_id, s.incarnation, s.host, s.namespace, s.logs, s.attempts';
const OF_KEY = 'workflow = $1 AND node_id = $2 AND incarnation = $3';

/**
 * Which logs are under way. States: *open* (its host ships it while the pod runs) → *ended* (its segments are to be made one object) → gone.
 * Written by the pod-managers only. A row is made before the first segment, so no segment is ever without one.
 */
export class LogShipmentRepository {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** A row that is there already stays as it is. */
  async begin(shipment: Omit<LogShipment, 'attempts'>, nowMs: number): Promise<void> {
    const { key, host, namespace, logs } = shipment;
    await this.#database.run({
      name: 'log-shipment-begin',
      text: `
        INSERT INTO log_shipments (workflow, node_id, incarnation, host, namespace, logs, state, attempts, begun_at_ms, next_try_at_ms)
        VALUES ($1, $2, $3, $4, $5, $6, 'open', 0, $7, $7) ON CONFLICT DO NOTHING`,
      values: [...values(key), host, namespace, JSON.stringify(logs), nowMs],
    });
  }

  /** What is under way of a workflow, the oldest incarnation first. */
  async ofWorkflow(workflow: string): Promise<LogShipment[]> {
    return this.#rows(
      'log-shipments-of-workflow',
      `SELECT ${FIELDS} FROM log_shipments s WHERE s.workflow = $1 ORDER BY s.node_id, s.incarnation`,
      [workflow],
    );
  }

  /** Those of these pods that are under way. */
  async ofPods(keys: readonly PodKey[]): Promise<LogShipment[]> {
    return this.#rows(
      'log-shipments-of-pods',
      `
      SELECT ${FIELDS} FROM unnest($1::text[], $2::text[], $3::integer[]) AS k (workflow, node_id, incarnation)
      JOIN log_shipments s USING (workflow, node_id, incarnation)`,
      keyColumns(keys),
    );
  }

  /** Nothing more comes: what is there is to be made one object. */
  async end(key: PodKey, dueAtMs: number): Promise<void> {
    await this.#database.run({
      name: 'log-shipment-end',
      text: `UPDATE log_shipments SET state = 'ended', next_try_at_ms = $4 WHERE ${OF_KEY} AND state = 'open'`,
      values: [...values(key), dueAtMs],
    });
  }

  /** The logs are one object each. */
  async finish(key: PodKey): Promise<void> {
    await this.#database.run({
      name: 'log-shipment-finish',
      text: `DELETE FROM log_shipments WHERE ${OF_KEY}`,
      values: values(key),
    });
  }

  async recordFailure(key: PodKey, failure: { error: string; nextTryAtMs: number }): Promise<void> {
    await this.#database.run({
      name: 'log-shipment-failure',
      text: `UPDATE log_shipments SET state = 'ended', attempts = attempts + 1, last_error = $4, next_try_at_ms = $5 WHERE ${OF_KEY}`,
      values: [...values(key), failure.error.replaceAll('\u0000', ''), failure.nextTryAtMs],
    });
  }

  /**
   * Ended ones whose time has come, and those whose pod has ended, or is known no more, since `leftSinceMs`: whoever shipped them has died.
   */
  async due(query: { nowMs: number; leftSinceMs: number; limit: number }): Promise<LogShipment[]> {
    return this.#rows(
      'log-shipments-due',
      `
      (SELECT ${FIELDS} FROM log_shipments s WHERE s.state = 'ended' AND s.next_try_at_ms <= $1 ORDER BY s.next_try_at_ms LIMIT $3)
      UNION ALL
      (SELECT ${FIELDS} FROM log_shipments s LEFT JOIN pod_status st USING (workflow, node_id, incarnation)
        WHERE s.state = 'open' AND s.begun_at_ms <= $2
          AND (st.phase_rank IS NULL OR st.phase_rank = ${FINAL_RANK} AND st.updated_at_ms <= $2) LIMIT $3)`,
      [query.nowMs, query.leftSinceMs, query.limit],
    );
  }

  async #rows(name: string, text: string, parameters: unknown[]): Promise<LogShipment[]> {
    const rows = await this.#database.run<Row>({ name, text, values: parameters });
    return rows.map(({ workflow, node_id: nodeId, incarnation, ...row }) => ({
      ...row,
      key: { workflowUid: workflow, nodeId, incarnation },
    }));
  }
}

const values = ({ workflowUid, nodeId, incarnation }: PodKey): unknown[] => [workflowUid, nodeId, incarnation];
