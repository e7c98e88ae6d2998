import { keyOf, withKey, type ArtifactDriver, type ArtifactDrivers } from '#libs/artifacts';
import type { ArtifactDeletion, ArtifactDeletionRepository, NewArtifactDeletion } from '#libs/store';
import type { Clock } from '#libs/workflow-spec';

import { objectIdOf } from '../planning/object-identity.js';

const ROWS_PER_INSERT = 500;
/** Metadata that the capture of outputs gives every object. */
const OWNER_FIELD = 'workflow-uid';

/** What became of one row. `foreign`: the object was left alone, as it does not carry this workflow's mark. */
export type DeletionOutcome = 'deleted' | 'foreign' | 'expanded';

/**
 * Deletes the object of one row, if it still carries the mark of the row's workflow: another workflow may have saved to the same
 * key since. A folder of objects gets a row for each of them. Everything may be repeated: an object that is gone counts as
 * deleted, rows that exist stay. Between the look at the mark and the deletion another save can slip in; stores have no common
 * way to exclude that.
 */
export class ObjectDeleter {
  constructor(
    private readonly ports: { deletions: Pick<ArtifactDeletionRepository, 'insertMany'>; drivers: ArtifactDrivers; clock: Clock },
  ) {}

  async delete(row: ArtifactDeletion): Promise<DeletionOutcome> {
    const driver = this.ports.drivers.driverFor(row.location, { namespace: row.namespace });
    const found = await driver.head(row.location);
    if (found === undefined) return this.expand(row, driver);
    if (found.metadata[OWNER_FIELD] !== row.workflowUid) return 'foreign';
    await driver.delete(row.location);
    return 'deleted';
  }

  private async expand(row: ArtifactDeletion, driver: ArtifactDriver): Promise<DeletionOutcome> {
    let batch: NewArtifactDeletion[] = [];
    let count = 0;
    for await (const object of driver.list(row.location)) {
      if (object.key === keyOf(row.location)) continue;
      count += 1;
      batch.push(this.childRow(row, object.key));
      if (batch.length < ROWS_PER_INSERT) continue;
      await this.ports.deletions.insertMany(batch);
      batch = [];
    }
    await this.ports.deletions.insertMany(batch);
    return count === 0 ? 'deleted' : 'expanded';
  }

  private childRow(row: ArtifactDeletion, key: string): NewArtifactDeletion {
    const { workflowUid, workflowName, namespace, nodeId, artifactName, strategy } = row;
    const location = withKey(row.location, key);
    return {
      ...{ workflowUid, workflowName, namespace, nodeId, artifactName, strategy },
      ...{ location, objectId: objectIdOf(location), nowMs: this.ports.clock.nowMs() },
    };
  }
}
