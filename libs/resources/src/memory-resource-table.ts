import type { ResourceKey } from './contract.js';
import type {
  ResourceChanges,
  ResourceChangesQuery,
  ResourcePageQuery,
  ResourceRow,
  ResourceTable,
  ResourceVersions,
  ResourceWrite,
} from './resource-table.js';

const isSameKey = (row: ResourceRow, key: ResourceKey): boolean =>
  row.kind === key.kind && row.namespace === key.namespace && row.name === key.name;

const isIn = (row: ResourceRow, query: { kind: string; namespace: string }): boolean =>
  row.kind === query.kind && (query.namespace === '' || row.namespace === query.namespace);

const compareText = (left: string, right: string): number => (left < right ? -1 : left > right ? 1 : 0);

const compareKeys = (left: { namespace: string; name: string }, right: { namespace: string; name: string }): number =>
  compareText(left.namespace, right.namespace) || compareText(left.name, right.name);

/** The table in memory: for tests, and for a run that keeps nothing. Rows are copied in and out, as through a database. */
export class MemoryResourceTable implements ResourceTable {
  private rows: (ResourceRow & { changedAtMs: number })[] = [];
  private version = 0;
  private compactedVersion = 0;

  find(key: ResourceKey): Promise<ResourceRow | undefined> {
    const row = this.current(key);
    return Promise.resolve(row && structuredClone(row));
  }

  page({ kind, namespace, after, limit }: ResourcePageQuery): Promise<{ rows: ResourceRow[]; currentVersion: number }> {
    const rows = this.rows
      .filter((row) => !row.deleted && isIn(row, { kind, namespace }) && (after === undefined || compareKeys(row, after) > 0))
      .sort(compareKeys)
      .slice(0, limit);
    return Promise.resolve({ rows: structuredClone(rows), currentVersion: this.version });
  }

  insert({ nowMs, ...write }: ResourceWrite): Promise<ResourceRow | 'exists'> {
    if (this.current(write) !== undefined) return Promise.resolve('exists');
    this.version += 1;
    const row = { ...write, version: this.version, createdVersion: this.version, deleted: false, changedAtMs: nowMs };
    this.rows.push(structuredClone(row));
    return Promise.resolve(structuredClone(row));
  }

  replace(write: Omit<ResourceWrite, 'uid'>, expectedVersion?: number): Promise<ResourceRow | 'missing' | 'conflict'> {
    const row = this.current(write);
    if (row === undefined) return Promise.resolve('missing');
    if (expectedVersion !== undefined && expectedVersion !== row.version) return Promise.resolve('conflict');
    this.version += 1;
    Object.assign(row, structuredClone({ labels: write.labels, body: write.body }), {
      version: this.version,
      changedAtMs: write.nowMs,
    });
    return Promise.resolve(structuredClone(row));
  }

  remove(key: ResourceKey, nowMs: number): Promise<ResourceRow | 'missing'> {
    const row = this.current(key);
    if (row === undefined) return Promise.resolve('missing');
    this.version += 1;
    Object.assign(row, { deleted: true, version: this.version, changedAtMs: nowMs });
    return Promise.resolve(structuredClone(row));
  }

  changes({ kind, namespace, afterVersion, limit }: ResourceChangesQuery): Promise<ResourceChanges> {
    const rows = this.rows
      .filter((row) => isIn(row, { kind, namespace }) && row.version > afterVersion)
      .sort((left, right) => left.version - right.version)
      .slice(0, limit);
    return Promise.resolve({
      rows: structuredClone(rows),
      compactedVersion: this.compactedVersion,
      currentVersion: this.version,
    });
  }

  versions(): Promise<ResourceVersions> {
    return Promise.resolve({ currentVersion: this.version, compactedVersion: this.compactedVersion });
  }

  compact(olderThanMs: number): Promise<number> {
    const dropped = this.rows.filter((row) => row.deleted && row.changedAtMs < olderThanMs);
    this.rows = this.rows.filter((row) => !dropped.includes(row));
    this.compactedVersion = Math.max(this.compactedVersion, ...dropped.map((row) => row.version));
    return Promise.resolve(dropped.length);
  }

  private current(key: ResourceKey): (ResourceRow & { changedAtMs: number }) | undefined {
    return this.rows.find((row) => !row.deleted && isSameKey(row, key));
  }
}
