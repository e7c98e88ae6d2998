import type { Fleet } from '../harness/fleet.js';

/** Which program has to do something for there to be progress. */
export type Worker = 'scheduler' | 'pod-manager' | 'offloader' | 'archiver' | 'artifact-gc' | 'server';

/** A row that the program wrote after `$1`. */
const WRITTEN_SINCE: Record<Exclude<Worker, 'server'>, string> = {
  scheduler: 'SELECT 1 FROM workflow_state WHERE version > 0 AND updated_at_ms > $1 LIMIT 1',
  'pod-manager': 'SELECT 1 FROM pod_status WHERE claimed_at_ms > $1 LIMIT 1',
  offloader: 'SELECT 1 FROM record_marks WHERE recorded_at_ms > $1 LIMIT 1',
  archiver: 'SELECT 1 FROM archive_marks WHERE archived_at_ms > $1 LIMIT 1',
  'artifact-gc': 'SELECT 1 FROM artifact_gc_plans WHERE planned_at_ms > $1 LIMIT 1',
};

const RUNNING = 'SELECT uid FROM workflow_state WHERE version > 0 AND NOT completed';
const SILENT_SINCE = 'SELECT uid FROM workflow_state WHERE uid = ANY($2) AND NOT completed AND updated_at_ms <= $1';

const LOOK_MS = 50;

export interface Stall {
  /** Until the program that was hit (or each of them) did something again. */
  firstMs: number;
  /** Until each workflow that ran then has gone on or ended, its own steps' time included. */
  everyMs: number;
}

/** Names of the workflows that run now. */
export const runningWorkflows = async (fleet: Fleet): Promise<string[]> =>
  (await fleet.query<{ uid: string }>(RUNNING)).map(({ uid }) => uid);

/** Waits until there is progress after `sinceMs` and gives the times it took; throws after `limitMs`, saying what still stood. */
export async function progressSince(
  fleet: Fleet,
  {
    workers,
    sinceMs,
    running,
    limitMs,
  }: { workers: readonly Worker[]; sinceMs: number; running: readonly string[]; limitMs: number },
): Promise<Stall> {
  const missing = new Set(workers);
  let firstMs: number | undefined;
  let silent: string[] = [...running];
  for (;;) {
    const elapsedMs = Date.now() - sinceMs;
    if (firstMs === undefined)
      for (const worker of [...missing]) if (await worked(fleet, worker, sinceMs)) missing.delete(worker);
    if (missing.size === 0) firstMs ??= elapsedMs;
    silent = await stillSilent(fleet, sinceMs, silent);
    if (firstMs !== undefined && silent.length === 0) return { firstMs, everyMs: elapsedMs };
    if (elapsedMs > limitMs)
      throw new Error(
        `no progress ${limitMs} ms after a fault: of ${[...missing].join(', ') || 'no program'}; workflows ${silent.join(', ')}`,
      );
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

async function worked(fleet: Fleet, worker: Worker, sinceMs: number): Promise<boolean> {
  try {
    if (worker !== 'server') return (await fleet.query(WRITTEN_SINCE[worker], [sinceMs])).length > 0;
    for await (const _workflow of fleet.api.list({ 'listOptions.limit': 1 })) break;
    return true;
  } catch {
    return false;
  }
}

/** While Postgres is away nobody has moved. */
const stillSilent = async (fleet: Fleet, sinceMs: number, uids: string[]): Promise<string[]> =>
  fleet.query<{ uid: string }>(SILENT_SINCE, [sinceMs, uids]).then(
    (rows) => rows.map(({ uid }) => uid),
    () => uids,
  );
