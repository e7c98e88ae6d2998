import type { JobOutcome } from '#libs/jobs';
import type { Logger } from '#libs/observability';
import type { PodObservation, PodRuntime } from '#libs/runtimes';
import type { PodBucket, PodRepository, PodStatusRepository, PodWorkRow } from '#libs/store';
import { type Clock, TransientError } from '#libs/workflow-spec';
import type { WaitingBuckets } from './waiting-buckets.js';

export interface PodConvergencePorts {
  pods: Pick<PodRepository, 'readWork'>;
  podStatus: Pick<PodStatusRepository, 'claimMany' | 'releaseClaim' | 'markDeletedMany'>;
  runtime: Pick<PodRuntime, 'create' | 'terminate' | 'delete'>;
  /** Takes what this service itself learns of a pod (refused, never made). */
  observe: (observations: PodObservation[]) => Promise<void>;
  waiting: WaitingBuckets;
  clock: Clock;
  logger: Logger;
  host: string;
}

/** Rows per job: one large workflow neither floods the queue nor starves the others. */
const ROWS_PER_JOB = 64;
/** Calls to the runtime at the same time, per job. */
const PARALLEL_CALLS = 8;

/**
 * Makes the pods of one bucket be as desired. Every call to the runtime may be repeated: a pod's identity is checked there, so a
 * second creation adopts, a second deletion finds nothing.
 *
 * Crash points: after the claim and before the creation the claim is found again as work of this host; after the creation and
 * before its first observation likewise, and the runtime adopts; after a deletion and before its mark the deletion is repeated.
 */
export class PodConvergenceService {
  constructor(private readonly ports: PodConvergencePorts) {}

  async converge(bucket: PodBucket): Promise<JobOutcome> {
    const { pods, host } = this.ports;
    const rows = await pods.readWork({ ...bucket, host, limit: ROWS_PER_JOB });
    const mine = await this.claim(rows);
    const outcomes = await inParallel(mine, PARALLEL_CALLS, (row) => this.convergeRow(row));
    const busy = outcomes.filter((outcome) => outcome === 'busy').length;
    if (busy > 0) this.ports.waiting.add(bucket);
    return rows.length === ROWS_PER_JOB && busy < mine.length ? { again: true } : undefined;
  }

  /** Rows of this host, and those that it could take. Another host's rows are its own business. */
  private async claim(rows: readonly PodWorkRow[]): Promise<PodWorkRow[]> {
    const { podStatus, clock, host } = this.ports;
    const free = rows.filter(({ status, desired }) => status === null && desired !== 'delete');
    const claimed = await podStatus.claimMany(
      free.map(({ key }) => key),
      host,
      clock.nowMs(),
    );
    const keys = new Set(claimed.map(keyText));
    return rows.filter(({ status, key }) => (status === null ? keys.has(keyText(key)) : status.host === host));
  }

  private async convergeRow(row: PodWorkRow): Promise<'done' | 'busy'> {
    const { runtime, podStatus, clock } = this.ports;
    switch (row.desired) {
      case 'run':
        return this.create(row);
      case 'terminate':
        if (row.status === null) await this.ports.observe([{ identity: row.key, phase: 'Gone' }]);
        else await runtime.terminate(row.key, row.manifest.work.terminationGracePeriodSeconds);
        return 'done';
      case 'delete':
        await runtime.delete(row.key);
        await podStatus.markDeletedMany([row.key], clock.nowMs());
        return 'done';
    }
  }

  private async create(row: PodWorkRow): Promise<'done' | 'busy'> {
    const { runtime, podStatus, observe, logger } = this.ports;
    const outcome = await runtime.create(row.key, row.manifest);
    switch (outcome.type) {
      case 'created':
      case 'adopted':
        return 'done';
      case 'busy':
        await podStatus.releaseClaim(row.key);
        return 'busy';
      case 'refused':
        logger.warn('the runtime refuses a pod', {
          workflow: row.key.workflowUid,
          node: row.key.nodeId,
          reason: outcome.message,
        });
        await observe([{ identity: row.key, phase: 'Failed', infrastructure: true, message: outcome.message }]);
        return 'done';
    }
  }
}

const keyText = (key: { workflowUid: string; nodeId: string; incarnation: number }): string =>
  `${key.workflowUid}/${key.nodeId}/${key.incarnation}`;

/** All rows are tried; the first failure is thrown when the others are through, so that one bad pod does not hold the rest. */
const inParallel = async <Row, Result>(
  rows: readonly Row[],
  width: number,
  work: (row: Row) => Promise<Result>,
): Promise<Result[]> => {
  const results: Result[] = [];
  let failure: Error | undefined;
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let row = rows[next++]; row !== undefined; row = rows[next++]) {
      try {
        results.push(await work(row));
      } catch (error) {
        if (failure === undefined || failure instanceof TransientError) failure = error instanceof Error ? error : new Error(String(error));
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(width, rows.length) }, worker));
  if (failure !== undefined) throw failure;
  return results;
};
