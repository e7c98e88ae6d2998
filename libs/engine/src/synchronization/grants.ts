/** Who asks for one or several locks at once. */
export interface LockClaim {
  /** Tells claims apart. */
  id: string;
  /** `spec.priority` of its workflow; the greater goes first. */
  priority: number;
  /** When its workflow was created, in milliseconds since the epoch; the earlier goes first. */
  createdAtMs: number;
  /** Order of asking among equals. */
  serial: number;
  locks: readonly string[];
  /** Its workflow holds some lock already. */
  isHolder: boolean;
}

/** A lock and how many may still take it; below zero where its limit was lowered under its holders. */
export interface LockCapacity {
  name: string;
  free: number;
}

type Turn = Pick<LockClaim, 'priority' | 'createdAtMs' | 'serial'>;

/** Argo's order of those who wait: priority, then creation; then who asked first. The same at every lock, so that no two claims wait for each other. */
export const byTurn = (left: Turn, right: Turn): number =>
  right.priority - left.priority || left.createdAtMs - right.createdAtMs || left.serial - right.serial;

/**
 * Who of those that wait may go on: a claim gets all of its locks or none, and none that an earlier claim waits for (Argo's queue in
 * front of each lock). There is one exception, without which workflows would wait for ever: a workflow that holds a lock already passes
 * those who cannot go on anyhow, because they may be waiting for what it holds. A lock that `capacities` does not name has nothing free.
 * `waiting` is in any order; what is given is in turn.
 */
export const grantClaims = <Claim extends LockClaim>(capacities: readonly LockCapacity[], waiting: readonly Claim[]): Claim[] => {
  const free = new Map(capacities.map((lock) => [lock.name, lock.free]));
  const waitedFor = new Set<string>();
  return [...waiting].sort(byTurn).filter(({ locks, isHolder }) => {
    const isGranted = locks.every((name) => (free.get(name) ?? 0) > 0 && (isHolder || !waitedFor.has(name)));
    for (const name of locks) {
      if (isGranted) free.set(name, (free.get(name) ?? 0) - 1);
      else waitedFor.add(name);
    }
    return isGranted;
  });
};
