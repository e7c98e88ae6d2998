import { type Database } from '../connection/database.js';
import { isLimited, type ParallelismLimits, settleAdmission } from './admit.js';

/** Which workflows may run, beyond the commits of those that ask. */
export class AdmissionRepository {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /**
   * Admits whoever may run under these limits, which may have changed, and forgets workflows that have ended. Gives the uids of those that
   * were admitted. Without limits and without anybody waiting it costs one look.
   */
  async settle(limits: ParallelismLimits, nowMs: number): Promise<string[]> {
    if (!isLimited(limits) && !(await this.#isUsed())) return [];
    return this.#database.transaction((tx) => settleAdmission(tx, limits, nowMs));
  }

  async #isUsed(): Promise<boolean> {
    const rows = await this.#database.run({ name: 'admission-used', text: 'SELECT 1 FROM admission LIMIT 1' });
    return rows.length > 0;
  }
}
