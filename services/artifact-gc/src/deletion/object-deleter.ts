import { keyOf, withKey, type ArtifactDriver, type ArtifactDrivers } from '#libs/artifacts';
import type { CredentialNamespaces } from '#libs/program';
import type { ArtifactDeletion, ArtifactDeletionRepository, DeletionState, NewArtifactDeletion } from '#libs/store';
import { type ArtifactLocation, type Clock, TransientError } from '#libs/workflow-spec';

import { objectIdOf } from '../planning/object-identity.js';
import { inTurns } from './in-turns.js';
import { byStore } from './store-groups.js';

const ROWS_PER_INSERT = 500;
/** Metadata that the capture of outputs gives every object. */
const OWNER_FIELD = 'workflow-uid';

/** What became of one row: an outcome, why it failed, or that its store is away and it was not tried. */
export type DeletionOutcome =
  | { row: ArtifactDeletion; state: Exclude<DeletionState, 'pending' | 'abandoned'> }
  | { row: ArtifactDeletion; error: unknown; attempted: boolean };

export interface DeleterPorts {
  deletions: Pick<ArtifactDeletionRepository, 'insertMany'>;
  drivers: ArtifactDrivers;
  credentials: Pick<CredentialNamespaces, 'lentNamespace'>;
  clock: Clock;
  /** Requests to one store under way at the same time. */
  parallel: number;
}

/** The rows of one store with the driver that opens it. */
interface StoreWork {
  driver: ArtifactDriver;
  rows: readonly ArtifactDeletion[];
}

/**
 * Deletes the objects of a page of rows, each if it still carries the mark of the row's workflow: another workflow may have saved to the same key
 * since. A folder of objects gets a row for each of them. Stores that can are given many keys in one request. Once a store says that it is
 * away, it is asked no more for this page.
 *
 * Everything may be repeated: an object that is gone counts as deleted, rows that exist stay. Between the look at the mark and the deletion
 * another save can slip in; stores have no common way to exclude that.
 */
export class ObjectDeleter {
  constructor(private readonly ports: DeleterPorts) {}

  async delete(page: readonly ArtifactDeletion[]): Promise<DeletionOutcome[]> {
    const outcomes: DeletionOutcome[] = [];
    for (const rows of byStore(page)) outcomes.push(...(await this.deleteOfStore(rows)));
    return outcomes;
  }

  private async deleteOfStore(rows: readonly ArtifactDeletion[]): Promise<DeletionOutcome[]> {
    const [first] = rows;
    if (first === undefined) return [];
    try {
      const { location, namespace, lenderNamespace: lender } = first;
      const secretsIn = await this.ports.credentials.lentNamespace({ location, namespace, lender });
      return await this.deleteWith({ driver: this.ports.drivers.driverFor(location, { namespace: secretsIn }), rows });
    } catch (error) {
      return rows.map((row) => ({ row, error, attempted: true }));
    }
  }

  private async deleteWith({ driver, rows }: StoreWork): Promise<DeletionOutcome[]> {
    const outcomes: DeletionOutcome[] = [];
    const owned: ArtifactDeletion[] = [];
    let away: TransientError | undefined;
    await inTurns(rows, this.ports.parallel, async (row) => {
      if (away !== undefined) {
        outcomes.push({ row, error: away, attempted: false });
        return;
      }
      try {
        const state = await this.look(row, driver);
        if (state === 'owned') owned.push(row);
        else outcomes.push({ row, state });
      } catch (error) {
        if (error instanceof TransientError) away ??= error;
        outcomes.push({ row, error, attempted: true });
      }
    });
    return [...outcomes, ...(await this.deleteOwned({ driver, rows: owned }))];
  }

  /** What there is to do about a row: `owned` objects are to be deleted. */
  private async look(row: ArtifactDeletion, driver: ArtifactDriver): Promise<'owned' | 'foreign' | 'deleted' | 'expanded'> {
    if (driver.keepsMetadata === false) return 'owned';
    const found = await driver.head(row.location);
    if (found === undefined) return this.expand(row, driver);
    return found.metadata[OWNER_FIELD] === row.workflowUid ? 'owned' : 'foreign';
  }

  private async deleteOwned({ driver, rows }: StoreWork): Promise<DeletionOutcome[]> {
    if (driver.deleteMany === undefined || rows.length < 2) return this.deleteSingly({ driver, rows });
    try {
      const failures = await driver.deleteMany(rows.map(({ location }) => location));
      return rows.map((row, index) =>
        failures.has(index) ? { row, error: failures.get(index), attempted: true } : { row, state: 'deleted' },
      );
    } catch (error) {
      if (error instanceof TransientError) return rows.map((row) => ({ row, error, attempted: true }));
      // One by one, it shows which of them the store refuses.
      return this.deleteSingly({ driver, rows });
    }
  }

  private async deleteSingly({ driver, rows }: StoreWork): Promise<DeletionOutcome[]> {
    const outcomes: DeletionOutcome[] = [];
    await inTurns(rows, this.ports.parallel, async (row) => {
      try {
        await driver.delete(row.location);
        outcomes.push({ row, state: 'deleted' });
      } catch (error) {
        outcomes.push({ row, error, attempted: true });
      }
    });
    return outcomes;
  }

  private async expand(row: ArtifactDeletion, driver: ArtifactDriver): Promise<'deleted' | 'expanded'> {
    let batch: NewArtifactDeletion[] = [];
    let count = 0;
    for await (const object of driver.list(row.location)) {
      if (object.key === keyOf(row.location)) continue;
      count += 1;
      batch.push(this.objectRow(row, withKey(row.location, object.key)));
      if (batch.length < ROWS_PER_INSERT) continue;
      await this.ports.deletions.insertMany(batch);
      batch = [];
    }
    await this.ports.deletions.insertMany(batch);
    return count === 0 ? 'deleted' : 'expanded';
  }

  private objectRow(folder: ArtifactDeletion, location: ArtifactLocation): NewArtifactDeletion {
    const { workflowUid, workflowName, namespace, nodeId, artifactName, strategy, giveUp, lenderNamespace } = folder;
    return {
      ...{ workflowUid, workflowName, namespace, nodeId, artifactName, strategy, giveUp, lenderNamespace, location },
      ...{ objectId: objectIdOf(location), parentId: folder.id, nowMs: this.ports.clock.nowMs() },
    };
  }
}
