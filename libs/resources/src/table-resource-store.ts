import { InvalidArgumentError, TransientError, type Clock } from '#libs/workflow-spec';
import { ChangeWaiter, type ChangeHints } from './change-waiter.js';
import { readContinueToken, writeContinueToken } from './continue-token.js';
import type { Resource, ResourceEvent, ResourceKey, ResourceListOptions, ResourcePage, ResourceStore } from './contract.js';
import { ResourceConflictError, ResourceExistsError, ResourceExpiredError, ResourceNotFoundError } from './errors.js';
import type { ResourceRow, ResourceTable } from './resource-table.js';
import { assertStorable, changedBody, keyOf, newBody, toResource } from './stored-object.js';

/** Gives a test for labels from a selector in Kubernetes' text form; throws a UserError where it cannot be read. */
export type LabelSelectorParser = (selector: string) => (labels: Readonly<Record<string, string>>) => boolean;

export interface TableResourceStoreOptions {
  table: ResourceTable;
  clock: Clock;
  createUid: () => string;
  parseLabelSelector: LabelSelectorParser;
  /** Between two looks of a watch that nothing wakes; default 500. */
  pollIntervalMs?: number;
  /** Hints from other processes, such as Postgres' NOTIFY; writes through this store wake its own watches anyway. */
  changeHints?: ChangeHints;
  /** Of one object as JSON; default 3 MiB. */
  maxObjectBytes?: number;
}

const BATCH = 500;
const MAX_OBJECT_BYTES = 3 * 1024 * 1024;
const POLL_INTERVAL_MS = 500;
/** Writers that gave no version and met another one try again this often. */
const REPLACE_ATTEMPTS = 5;

const parseVersion = (text: string): number => {
  if (!/^\d{1,15}$/.test(text))
    throw new InvalidArgumentError(`resource version ${JSON.stringify(text.slice(0, 40))} is not valid`);
  return Number(text);
};

/** What a watcher that stood at `base` is told of a row that has changed since. */
const eventsOf = (row: ResourceRow, base: number): ResourceEvent[] => {
  const object = toResource(row);
  const isNew = row.createdVersion > base;
  if (!row.deleted) return [{ type: isNew ? 'ADDED' : 'MODIFIED', object }];
  return [...(isNew ? [{ type: 'ADDED' as const, object }] : []), { type: 'DELETED', object }];
};

/**
 * ResourceStore over the `resources` table. Writes are single statements of the table; a watch holds one batch of rows and a version number.
 * Events between two looks are merged: a watcher sees the last state of an object, its deletion always, and while it catches up with a
 * backlog perhaps ADDED for an object that it knows.
 */
export class TableResourceStore implements ResourceStore {
  private readonly waiter: ChangeWaiter;
  private readonly endHints: () => void;

  constructor(private readonly options: TableResourceStoreOptions) {
    this.waiter = new ChangeWaiter(options.pollIntervalMs ?? POLL_INTERVAL_MS);
    this.endHints = options.changeHints?.(this.waiter.wake) ?? (() => undefined);
  }

  /** Ends the subscription to hints; watches end by their own signals. */
  close(): void {
    this.endHints();
  }

  async get(key: ResourceKey): Promise<Resource> {
    const row = await this.options.table.find(key);
    if (row === undefined) throw new ResourceNotFoundError(key);
    return toResource(row);
  }

  async list(kind: string, namespace: string, options: ResourceListOptions = {}): Promise<ResourcePage> {
    const selects = this.options.parseLabelSelector(options.labelSelector ?? '');
    const limit = options.limit !== undefined && options.limit > 0 ? options.limit : Infinity;
    let after = options.continueToken ? readContinueToken(options.continueToken) : undefined;
    let version = after?.version;
    const items: Resource[] = [];
    for (;;) {
      const page = await this.options.table.page({ kind, namespace, ...(after === undefined ? {} : { after }), limit: BATCH });
      version ??= page.currentVersion;
      for (const row of page.rows) {
        if (items.length === limit && after !== undefined) {
          return { items, resourceVersion: String(version), continueToken: writeContinueToken(after) };
        }
        after = { namespace: row.namespace, name: row.name, version };
        if (selects(row.labels)) items.push(toResource(row));
      }
      if (page.rows.length < BATCH) return { items, resourceVersion: String(version) };
    }
  }

  async create(resource: Resource): Promise<Resource> {
    this.assertStorable(resource);
    const { table, clock, createUid } = this.options;
    const key = keyOf(resource);
    const uid = resource.metadata.uid ?? createUid();
    const nowMs = clock.nowMs();
    const row = await table.insert({
      ...key,
      uid,
      labels: resource.metadata.labels ?? {},
      body: newBody(resource, uid, nowMs),
      nowMs,
    });
    if (row === 'exists') throw new ResourceExistsError(key);
    this.waiter.wake();
    return toResource(row);
  }

  async update(resource: Resource): Promise<Resource> {
    this.assertStorable(resource);
    const key = keyOf(resource);
    const { resourceVersion, uid } = resource.metadata;
    const isPinned = resourceVersion !== undefined && resourceVersion !== '';
    for (let attempt = 1; ; attempt += 1) {
      const before = await this.options.table.find(key);
      if (before === undefined) throw new ResourceNotFoundError(key);
      if ((isPinned && parseVersion(resourceVersion) !== before.version) || (uid !== undefined && uid !== before.uid)) {
        throw new ResourceConflictError(key);
      }
      const row = await this.replace(resource, before);
      if (row === 'missing') throw new ResourceNotFoundError(key);
      if (row !== 'conflict') return toResource(row);
      if (isPinned || attempt === REPLACE_ATTEMPTS) throw new ResourceConflictError(key);
    }
  }

  async delete(key: ResourceKey): Promise<void> {
    const row = await this.options.table.remove(key, this.options.clock.nowMs());
    if (row === 'missing') throw new ResourceNotFoundError(key);
    this.waiter.wake();
  }

  async *watch(
    kind: string,
    namespace: string,
    { resourceVersion, signal }: { resourceVersion?: string; signal: AbortSignal },
  ): AsyncIterable<ResourceEvent> {
    const hasVersion = resourceVersion !== undefined && resourceVersion !== '';
    let after = hasVersion ? parseVersion(resourceVersion) : await this.currentVersion(signal);
    // Where this watch last knew everything; what was made since is new to it.
    let base = after;
    while (!signal.aborted) {
      const changes = await this.changesOrUndefined(kind, namespace, after);
      if (changes === undefined) {
        await this.waiter.wait(signal);
        continue;
      }
      if (after < changes.compactedVersion) throw new ResourceExpiredError(after, changes.compactedVersion);
      for (const row of changes.rows) {
        for (const event of eventsOf(row, base)) {
          if (signal.aborted) return;
          yield event;
        }
      }
      const last = changes.rows.at(-1);
      if (changes.rows.length === BATCH && last !== undefined) {
        after = last.version;
        continue;
      }
      after = Math.max(after, changes.currentVersion);
      base = after;
      await this.waiter.wait(signal);
    }
  }

  private replace(resource: Resource, before: ResourceRow): Promise<ResourceRow | 'missing' | 'conflict'> {
    const { table, clock } = this.options;
    const write = {
      ...keyOf(resource),
      labels: resource.metadata.labels ?? {},
      body: changedBody(resource, before.body),
      nowMs: clock.nowMs(),
    };
    return table.replace(write, before.version).finally(this.waiter.wake);
  }

  /** Undefined while the database is away: a watch waits and goes on. */
  private async changesOrUndefined(kind: string, namespace: string, afterVersion: number) {
    try {
      return await this.options.table.changes({ kind, namespace, afterVersion, limit: BATCH });
    } catch (error) {
      if (error instanceof TransientError) return undefined;
      throw error;
    }
  }

  private async currentVersion(signal: AbortSignal): Promise<number> {
    while (!signal.aborted) {
      try {
        return (await this.options.table.versions()).currentVersion;
      } catch (error) {
        if (!(error instanceof TransientError)) throw error;
        await this.waiter.wait(signal);
      }
    }
    return 0;
  }

  private assertStorable(resource: Resource): void {
    assertStorable(resource, this.options.maxObjectBytes ?? MAX_OBJECT_BYTES);
  }
}
