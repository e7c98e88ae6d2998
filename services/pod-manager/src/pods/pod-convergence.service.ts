import type { JobOutcome } from '#libs/jobs';
import type { Logger } from '#libs/observability';
import type { PodManifest } from '#libs/pod-spec';
import type { CreateOutcome, PodObservation, PodPlaceHint, PodRuntime } from '#libs/runtimes';
import type { HeldClaim, PodBucket, PodRepository, PodStatusRepository, PodWorkRow } from '#libs/store';
import { type Clock, TransientError } from '#libs/workflow-spec';
import { ClaimHosts, type ClaimHostsPorts } from '../claims/claim-hosts.js';
import { ClaimKeeper, claimOf } from '../claims/claim-keeper.js';
import type { WaitingBuckets } from './waiting-buckets.js';

export interface PodConvergencePorts extends ClaimHostsPorts {
  pods: Pick<PodRepository, 'readWork' | 'hostsOf'>;
  podStatus: Pick<PodStatusRepository, 'claimMany' | 'takeOverClaims' | 'releaseClaim' | 'markDeletedMany'>;
  runtime: Pick<PodRuntime, 'create' | 'takeOver' | 'terminate' | 'delete' | 'createClaim' | 'deleteClaim'>;
  /** Takes what this service itself learns of a pod (refused, never made). */
  observe: (observations: PodObservation[]) => Promise<void>;
  /** Tells the workflow why its pod cannot be made yet. */
  tellWaiting: (key: PodWorkRow['key'], message: string) => Promise<void>;
  waiting: WaitingBuckets;
  /** Rows that are this one's; absent: all. */
  accepts?: (row: PodWorkRow) => boolean;
  clock: Clock;
  logger: Logger;
  host: string;
}

/** Rows per job: one large workflow neither floods the queue nor starves the others. */
const ROWS_PER_JOB = 64;
/** Calls to the runtime at the same time, per job. */
const PARALLEL_CALLS = 8;
/** A claim of this host without any observation is left to its claimer for so long; then it is taken over. */
const CLAIM_REST_MS = 2_000;

/** In what time pods that were just made are observed. */
const OBSERVATION_WAIT_MS = 250;
/** Pods remembered as made by this process, so that a look at them in between is not repeated for their sake. */
const REMEMBERED_PODS = 10_000;

/** The scheduler's clock may be ahead of this host's: what it wants at once is done at once. */
const CLOCK_TOLERANCE_MS = 1_000;

/** A row to work on. `claimedAtMs`: this very job claimed it and may give it back. */
type WorkItem = PodWorkRow & { claimedAtMs?: number };

/**
 * Makes the pods of one bucket be as desired. Every call to the runtime may be repeated: a pod's identity is checked there, so a
 * second creation adopts, a second deletion finds nothing.
 *
 * Crash points: after the claim and before the creation the claim is found again as work of this host; after the creation and
 * before its first observation likewise, and the runtime adopts; after a deletion and before its mark the deletion is repeated.
 */
export class PodConvergenceService {
  /** Pods that this process makes or has made: their first observation is on its way. Oldest first. */
  private readonly handled = new Map<string, 'making' | 'made'>();
  /** Pods of which this process has told why they wait: once each, however often it tries. Oldest first. */
  private readonly waitingTold = new Set<string>();

  private readonly claims: ClaimKeeper;
  private readonly claimHosts: ClaimHosts;

  constructor(private readonly ports: PodConvergencePorts) {
    this.claims = new ClaimKeeper(ports);
    this.claimHosts = new ClaimHosts(ports);
  }

  async converge(bucket: PodBucket): Promise<JobOutcome> {
    const { clock, host } = this.ports;
    const nowMs = clock.nowMs() + CLOCK_TOLERANCE_MS;
    const found = await this.ports.pods.readWork({ ...bucket, host, nowMs, limit: ROWS_PER_JOB });
    const { accepts = () => true } = this.ports;
    const rows = await this.claimHosts.ownRows(bucket, found.filter(accepts));
    const resting = rows.filter((row) => this.isResting(row));
    const mine = await this.claim(rows.filter((row) => !resting.includes(row)));
    // Claims first and in their order: the removal of an old one comes before it is made anew.
    for (const row of mine.filter((each) => claimOf(each) !== undefined)) await this.claims.converge(row);
    const pods = mine.filter((row) => claimOf(row) === undefined);
    const outcomes = await inParallel(pods, PARALLEL_CALLS, (row) => this.convergeRow(row));
    const busy = outcomes.filter((outcome) => outcome === 'busy').length;
    if (busy > 0) this.ports.waiting.add(bucket);
    if (found.length === ROWS_PER_JOB && busy < mine.length) return { again: true };
    if (resting.some((row) => this.isUrgent(row))) return { wakeAtMs: clock.nowMs() + CLAIM_REST_MS };
    // More may stand behind a whole page of pods whose first observation is on its way.
    return found.length === ROWS_PER_JOB && resting.length > 0 ? { wakeAtMs: clock.nowMs() + OBSERVATION_WAIT_MS } : undefined;
  }

  /** Whether somebody here is just making the pod. What this process has made itself it may end at once. */
  private isResting(row: PodWorkRow): boolean {
    const { clock, host } = this.ports;
    // Its answer was lost, and it is asked for again: that has to meet the pod, or it would make it once more after its end.
    if (row.desired === 'delete' && this.handled.get(keyText(row.key)) === 'making') return true;
    if (!isUnobserved(row, host) || (row.status?.claimedAtMs ?? 0) <= clock.nowMs() - CLAIM_REST_MS) return false;
    return row.desired === 'run' || this.handled.get(keyText(row.key)) !== 'made';
  }

  /** Whether nothing else would come back to a resting row soon: its first observation tells of one that is to run. */
  private isUrgent(row: PodWorkRow): boolean {
    return row.desired !== 'run' || !this.handled.has(keyText(row.key));
  }

  /**
   * Rows of this host, and those that it could take. Another host's rows are its own business. A claim whose claimer has made nothing
   * for a while (it died, or its call failed) is taken over first, so that a claimer that is only slow cannot give it to another host
   * after this one has made the pod.
   */
  private async claim(rows: readonly PodWorkRow[]): Promise<WorkItem[]> {
    const { podStatus, clock, host } = this.ports;
    const free = rows.filter(({ status, desired }) => status === null && desired !== 'delete').map(({ key }) => key);
    const abandoned = rows
      .filter((row) => isUnobserved(row, host))
      .map(({ key, status }): HeldClaim => ({ identity: key, claimedAtMs: status?.claimedAtMs ?? 0 }));
    const claimed = await podStatus.claimMany(free, host, clock.nowMs());
    const takenOver = await podStatus.takeOverClaims(abandoned, host, clock.nowMs());
    const claimedAt = new Map(claimed.map(({ identity, claimedAtMs }) => [keyText(identity), claimedAtMs]));
    const taken = new Set(takenOver.map(({ identity }) => keyText(identity)));
    return rows.flatMap((row): WorkItem[] => {
      const claimedAtMs = claimedAt.get(keyText(row.key));
      if (claimedAtMs !== undefined) return [{ ...row, claimedAtMs }];
      const isMine = isUnobserved(row, host) ? taken.has(keyText(row.key)) : row.status?.host === host;
      return isMine ? [row] : [];
    });
  }

  private async convergeRow(row: WorkItem): Promise<'done' | 'busy'> {
    const { runtime, podStatus, clock } = this.ports;
    switch (row.desired) {
      case 'run':
        return this.create(row);
      case 'terminate':
        if (row.status === null && !(await this.isAdopted(row))) await this.ports.observe([{ identity: row.key, phase: 'Gone' }]);
        else await runtime.terminate(row.key, row.manifest.work.terminationGracePeriodSeconds, placeOf(row));
        return 'done';
      case 'delete':
        await runtime.delete(row.key, placeOf(row));
        await podStatus.markDeletedMany([row.key], clock.nowMs());
        return 'done';
    }
  }

  /** Whether somebody else has made it, and it is ours from now on. */
  private async isAdopted({ key, manifest }: WorkItem): Promise<boolean> {
    const { runtime } = this.ports;
    return workOf(manifest)?.adopts !== undefined && (await runtime.takeOver?.(key, manifest)) === true;
  }

  private async makeOrAdopt(row: WorkItem): Promise<CreateOutcome> {
    const { runtime, observe } = this.ports;
    if (await this.isAdopted(row)) return { type: 'adopted' };
    if (workOf(row.manifest)?.adopts === 'only') {
      await observe([{ identity: row.key, phase: 'Gone', infrastructure: true, message: 'pod deleted' }]);
      return { type: 'adopted' };
    }
    return refusalOf(row) ?? runtime.create(row.key, row.manifest);
  }

  private async create(row: WorkItem): Promise<'done' | 'busy'> {
    const { podStatus, observe, logger } = this.ports;
    this.remember(row, 'making');
    const outcome = await this.makeOrAdopt(row).catch((error: unknown) => {
      this.handled.delete(keyText(row.key));
      throw error;
    });
    this.remember(row, 'made');
    switch (outcome.type) {
      case 'created':
      case 'adopted':
        return 'done';
      case 'busy':
        this.handled.delete(keyText(row.key));
        if (row.claimedAtMs !== undefined) await podStatus.releaseClaim({ identity: row.key, claimedAtMs: row.claimedAtMs });
        if (outcome.isQuota === true) await this.tellWaiting(row, outcome.message);
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

  private async tellWaiting({ key }: PodWorkRow, message: string): Promise<void> {
    if (this.waitingTold.has(keyText(key))) return;
    await this.ports.tellWaiting(key, message);
    this.waitingTold.add(keyText(key));
    forgetOldest(this.waitingTold);
  }

  private remember({ key }: PodWorkRow, state: 'making' | 'made'): void {
    this.handled.set(keyText(key), state);
    forgetOldest(this.handled);
  }
}

const forgetOldest = (pods: Map<string, unknown> | Set<string>): void => {
  const [oldest] = pods.keys();
  if (pods.size > REMEMBERED_PODS && oldest !== undefined) pods.delete(oldest);
};

const placeOf = ({ namespace, podName }: PodWorkRow): PodPlaceHint => ({ namespace, name: podName });

/** Rows of older versions have none. */
const workOf = ({ work }: PodManifest): PodManifest['work'] | undefined => work;

/** What the scheduler could not make a pod of says why. */
const refusalOf = ({ manifest }: PodWorkRow): CreateOutcome | undefined => {
  const message = workOf(manifest)?.refusal;
  return message === undefined ? undefined : { type: 'refused', message };
};

/** This host's claim of which nothing was observed yet: somebody is making the pod, or was. */
const isUnobserved = ({ status, desired }: PodWorkRow, host: string): boolean =>
  desired !== 'delete' && status?.host === host && status.rank === 0;

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
        if (failure === undefined || failure instanceof TransientError)
          failure = error instanceof Error ? error : new Error(String(error));
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(width, rows.length) }, worker));
  if (failure !== undefined) throw failure;
  return results;
};
