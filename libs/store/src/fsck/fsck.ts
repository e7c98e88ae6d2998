import { type Database } from '../connection/database.js';
import { CHECKS, type CheckName } from './checks.js';

export type { CheckName } from './checks.js';

/** One thing that is not as it should be. */
export interface FsckFinding {
  check: CheckName;
  workflow: string;
  /** What exactly, for a person. */
  detail: string;
  /** Whether it was put right in this run. */
  repaired: boolean;
}

export interface FsckReport {
  findings: FsckFinding[];
  /** How many checks were made. */
  checks: number;
}

export interface FsckOptions {
  /** Puts right what is safe to put right; the rest is only reported. */
  repair?: boolean;
  /** Anything younger is still on its way and not looked at; default 30000. */
  graceMs?: number;
  /** Most findings of one check; default 1000. */
  limit?: number;
}

/**
 * Checks the invariants of the tables. May run beside a working system: what happened within the grace time is left out. An empty list
 * of findings means that no row waits for nothing, belongs to nobody or contradicts another.
 */
export async function fsck(store: { database: Database }, options: FsckOptions = {}): Promise<FsckReport> {
  const { database } = store;
  const beforeMs = database.clock.nowMs() - (options.graceMs ?? 30_000);
  const findings: FsckFinding[] = [];
  for (const check of CHECKS) {
    const rows = await database.run<{ workflow: string; detail: string }>({
      text: `${check.find} LIMIT ${options.limit ?? 1000}`,
      values: check.find.includes('$1') ? [beforeMs] : [],
    });
    const repaired = options.repair === true && check.repair !== undefined && rows.length > 0;
    if (repaired && check.repair) {
      const values = [
        [...new Set(rows.map(({ workflow }) => workflow))],
        ...(check.repair.includes('$2') ? [database.clock.nowMs()] : []),
      ];
      await database.run({ text: check.repair, values });
    }
    findings.push(...rows.map((row) => ({ check: check.name, workflow: row.workflow, detail: row.detail, repaired })));
  }
  return { findings, checks: CHECKS.length };
}
