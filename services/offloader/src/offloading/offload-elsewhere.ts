import { type OffloadDatabase, type OffloadNotesRepository, OffloadTable } from '#libs/store';

/** The database that `persistence` names for Argo's tables; its place holds no more than names as far as this service is concerned. */
export interface OffloadTarget extends OffloadDatabase {
  readonly place: {
    dialect: string;
    host: string;
    port?: number;
    database: string;
    tableName?: string;
    clusterName?: string;
  };
}

/** Nodes to be kept apart from their record. */
export interface OffloadedNodes {
  uid: string;
  namespace: string;
  version: string;
  /** JSON text. */
  nodes: string;
}

const placeText = ({ place }: OffloadTarget): string => {
  const { dialect, host, port = '', database, tableName = 'argo_workflows', clusterName = 'default' } = place;
  return `${dialect}://${host}:${port}/${database}/${tableName}#${clusterName}`;
};

/**
 * Offloaded nodes in a database that is not ours. Crash points: after the note nothing is there, and pruning deletes nothing; after the
 * row is written no record names it, and pruning deletes it; after it was deleted the note is forgotten by the next pruning.
 */
export class OffloadElsewhere {
  private readonly table: OffloadTable;
  /** Which database and table this is, for notes: no account, no password. */
  readonly place: string;

  constructor(
    target: OffloadTarget,
    private readonly notes: Pick<OffloadNotesRepository, 'note' | 'unnamed' | 'forget'>,
  ) {
    this.table = new OffloadTable(target, target.place);
    this.place = placeText(target);
  }

  /** To be called before the record that names the version is written. */
  async save(row: OffloadedNodes, nowMs: number): Promise<void> {
    await this.notes.note(this.place, row, nowMs);
    await this.table.save({ ...row, nowMs });
  }

  /** Drops versions that no record names and that were written before `beforeMs`; gives how many. */
  async prune(beforeMs: number, limit: number): Promise<number> {
    const versions = await this.notes.unnamed(this.place, beforeMs, limit);
    if (versions.length === 0) return 0;
    await this.table.delete(versions);
    await this.notes.forget(this.place, versions);
    return versions.length;
  }
}
