import { finishLog, type LogObjects, reportedLog } from '#libs/execution';
import type { Logger } from '#libs/observability';
import { PeriodicTask, type SweepLease } from '#libs/queue';
import type { PodObservation } from '#libs/runtimes';
import type { LogShipment, LogShipmentRepository } from '#libs/store';
import type { Clock } from '#libs/workflow-spec';
import { withLogs } from './log-shipments.js';

export interface LeftOverLogsOptions {
  rows: Pick<LogShipmentRepository, 'due' | 'finish' | 'recordFailure'>;
  objects: LogObjects;
  lease: SweepLease;
  clock: Clock;
  logger: Logger;
}

const INTERVAL_MS = 10_000;
/** A pod has ended and whoever shipped its logs has not settled them for so long: it has died. */
const LEFT_AFTER_MS = 60_000;
const PAGE = 50;
const FIRST_PAUSE_MS = 5_000;
const LONGEST_PAUSE_MS = 600_000;
/** Two weeks at the longest pause: the store will not take it any more. */
const MOST_ATTEMPTS = 2_000;

/**
 * Finishes logs that nobody else will: of lost hosts, of pod-managers that died in between, and of stores that were away. One process at a
 * time; a failure is tried again after growing pauses and holds up no other log.
 */
export const leftOverLogs = (options: LeftOverLogsOptions): PeriodicTask =>
  new PeriodicTask({
    name: 'finish left-over logs',
    intervalMs: INTERVAL_MS,
    logger: options.logger,
    lease: options.lease,
    run: () => finishLeftOvers(options),
  });

async function finishLeftOvers(options: LeftOverLogsOptions): Promise<void> {
  for (;;) {
    const nowMs = options.clock.nowMs();
    const due = await options.rows.due({ nowMs, leftSinceMs: nowMs - LEFT_AFTER_MS, limit: PAGE });
    for (const row of due) await finishOne(row, options);
    if (due.length < PAGE) return;
  }
}

async function finishOne(row: LogShipment, { rows, objects, clock, logger }: LeftOverLogsOptions): Promise<void> {
  const { key, namespace, logs, attempts } = row;
  try {
    for (const { location } of logs) await finishLog(objects, { ...key, location, namespace });
    await rows.finish(key);
  } catch (error) {
    if (attempts >= MOST_ATTEMPTS) {
      logger.error('the log of a pod is given up', { node: key.nodeId, err: error });
      return rows.finish(key);
    }
    const pauseMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(attempts, 20));
    logger.info('the log of a pod cannot be finished yet', { node: key.nodeId, err: error, pauseMs });
    await rows.recordFailure(key, { error: String(error), nextTryAtMs: clock.nowMs() + pauseMs });
  }
}

/** Reports of pods whose host is lost, with the logs that will be made of what it had shipped. */
export async function withShippedLogs(
  observations: PodObservation[],
  { rows, clock }: { rows: Pick<LogShipmentRepository, 'ofPods' | 'end'>; clock: Clock },
): Promise<PodObservation[]> {
  const found = await rows.ofPods(observations.map(({ identity }) => identity));
  const shipped = new Map(found.map(({ key, logs }) => [JSON.stringify(identityOf(key)), logs]));
  for (const { key } of found) await rows.end(key, clock.nowMs());
  return observations.map((observation) => {
    const logs = shipped.get(JSON.stringify(identityOf(observation.identity))) ?? [];
    return withLogs(
      observation,
      logs.map(({ container, location }) => reportedLog(container, location)),
    );
  });
}

const identityOf = ({ workflowUid, nodeId, incarnation }: LogShipment['key']): unknown[] => [workflowUid, nodeId, incarnation];
