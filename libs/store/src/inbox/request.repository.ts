import { type RequestOutcome, type WorkflowRequest } from '#libs/engine';

import { type ChangeFeed } from '../changes/change-feed.js';
import { type Database } from '../connection/database.js';

export interface NewRequest {
  /** Chosen by the asker; the same id again asks nothing new and gets the same outcome. */
  requestId: string;
  workflow: string;
  request: WorkflowRequest;
}

/** Between two looks at the table while waiting, should a notification have been lost. */
const LOOK_AGAIN_MS = 500;

/** Requests to workflows and the scheduler's committed answers. */
export class RequestRepository {
  readonly #database: Database;
  readonly #changes: ChangeFeed;

  constructor(database: Database, changes: ChangeFeed) {
    this.#database = database;
    this.#changes = changes;
  }

  /** Puts the request into the workflow's inbox; false where this id was asked before. */
  async insert({ requestId, workflow, request }: NewRequest, nowMs: number): Promise<boolean> {
    const rows = await this.#database.run({
      name: 'request-insert',
      text: `
        WITH asked AS (
          INSERT INTO workflow_requests (request_id, workflow, created_at_ms) VALUES ($1, $2, $4)
          ON CONFLICT DO NOTHING RETURNING request_id
        )
        INSERT INTO workflow_inbox (workflow, kind, subject, body, created_at_ms)
        SELECT $2, 'request', request_id, $3::json, $4 FROM asked RETURNING id`,
      values: [requestId, workflow, JSON.stringify(request), nowMs],
    });
    return rows.length > 0;
  }

  async readOutcome(requestId: string): Promise<RequestOutcome | undefined> {
    const rows = await this.#database.run<{ outcome: RequestOutcome | null }>({
      name: 'request-outcome',
      text: 'SELECT outcome FROM workflow_requests WHERE request_id = $1',
      values: [requestId],
    });
    return rows[0]?.outcome ?? undefined;
  }

  /** Waits until the scheduler has answered; undefined after `timeoutMs`, when asking again with the same id is safe. */
  async waitForOutcome(request: { requestId: string; workflow: string }, timeoutMs: number): Promise<RequestOutcome | undefined> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      // Subscribed before the look, so that an answer between the two is not missed.
      const abort = new AbortController();
      const remainingMs = Math.max(0, deadline - performance.now());
      const changed = this.#changes.waitForChange(request.workflow, Math.min(LOOK_AGAIN_MS, remainingMs), abort.signal);
      try {
        const outcome = await this.readOutcome(request.requestId);
        if (outcome || remainingMs === 0) return outcome;
        await changed;
      } finally {
        abort.abort();
      }
    }
  }

  /** Forgets answered requests that were asked before `beforeMs`; returns how many. */
  async prune(beforeMs: number, limit = 1000): Promise<number> {
    const rows = await this.#database.run({
      text: `
        DELETE FROM workflow_requests WHERE request_id IN (
          SELECT request_id FROM workflow_requests WHERE answered_at_ms IS NOT NULL AND created_at_ms < $1 LIMIT $2
          FOR UPDATE SKIP LOCKED) RETURNING request_id`,
      values: [beforeMs, limit],
    });
    return rows.length;
  }
}
