import { type SQL } from 'drizzle-orm';

import { type Workflow } from '#libs/workflow-spec';

import { type Executor } from '../connection/database.js';
import { sql } from '../connection/drizzle.js';
import {
  all,
  type ArchiveScope,
  cursorConditions,
  filterConditions,
  placeConditions,
  scopeConditions,
} from './archive-conditions.js';
import { type ArchiveDialect } from './archive-dialect.js';
import { driverOf, singleDriversOf } from './archive-drivers.js';
import {
  type ArchivePage,
  type ArchiveQuery,
  type ArchiveStore,
  type ArchiveStoreOptions,
  type ArchiveWrite,
} from './archive-store.js';

const DEFAULT_LIMIT = 500;
/** A label or name of at most so many rows is where a list begins. */
const FEW_ROWS = 2_000;
/** Of more, the newest rows are looked at first, until the page is full or these are seen: most pages are full long before. */
const PROBED_ROWS = 20_000;
/** Up to so many rows are found by their label or name and then sorted; of more, every fiftieth fits or better: they are met in order. */
const MOST_DRIVEN_ROWS = 20_000;

/** Everything but the JSON, which must not be read before a page is known. */
const PLAIN = sql`a.clustername, a.instanceid, a.uid, a.name, a.namespace, a.phase, a.startedat, a.finishedat, a.creationtimestamp`;
const ORDER = sql`a.startedat DESC, a.creationtimestamp DESC, a.uid DESC`;

export interface SqlArchiveOptions extends ArchiveStoreOptions {
  /** The condition for `notLive`, where live workflows stand beside the archive. */
  notLive?: SQL;
}

interface ListRow extends Record<string, unknown> {
  uid: string;
  started: string;
  created: string;
}

/**
 * What both servers have in common. A list with a label or name of few rows begins with those. Otherwise it is read in three steps, each
 * only where the one before does not fill the page: the newest rows, one by one; what the index of labels finds together, sorted; all rows
 * in their order.
 */
export abstract class SqlArchiveStore implements ArchiveStore {
  readonly #executor: Executor;
  readonly #dialect: ArchiveDialect;
  readonly #clusterName: () => string;
  readonly #instanceId: string;
  readonly #notLive: SQL | undefined;

  constructor(executor: Executor, dialect: ArchiveDialect, options: SqlArchiveOptions) {
    const { clusterName = 'default', instanceId = '', notLive } = options;
    this.#notLive = notLive;
    this.#executor = executor;
    this.#dialect = dialect;
    this.#clusterName = typeof clusterName === 'string' ? () => clusterName : clusterName;
    this.#instanceId = instanceId;
  }

  abstract upsert(write: ArchiveWrite): Promise<'written' | 'unchanged'>;
  abstract delete(uid: string): Promise<boolean>;
  abstract deleteFinishedBefore(finishedBeforeMs: number, limit: number): Promise<number>;

  protected get scope(): ArchiveScope {
    return { clusterName: this.#clusterName(), instanceId: this.#instanceId };
  }

  getByUid(uid: string): Promise<Workflow | undefined> {
    return this.#getOne([this.#dialect.isOneOf(sql`a.uid`, [uid])]);
  }

  getByName(namespace: string, name: string): Promise<Workflow | undefined> {
    const is = (column: SQL, value: string): SQL => this.#dialect.isOneOf(column, [value]);
    return this.#getOne([is(sql`a.namespace`, namespace), is(sql`a.name`, name)]);
  }

  async list(query: ArchiveQuery): Promise<ArchivePage> {
    const limit = query.limit ?? DEFAULT_LIMIT;
    const rows = await this.#rows(query, limit);
    const workflows = rows.map((row) => this.#dialect.parsePartial(row) as Workflow);
    const cursors = rows.map(({ started, created, uid }) => ({ startedAt: started, createdAt: created, uid }));
    const next = rows.length < limit ? undefined : cursors.at(-1);
    return { workflows, cursors, ...(next === undefined ? {} : { next }) };
  }

  async count({ after: _, ...query }: ArchiveQuery, most?: number): Promise<number> {
    const driver = driverOf(this.#dialect, this.scope, query);
    const bound = most === undefined ? sql`` : sql`LIMIT ${whole(most)}`;
    const rows = await this.#run<{ count: number }>(
      sql`SELECT count(*) AS count FROM (SELECT 1 AS one FROM ${driver === undefined ? this.#inOrder(query) : this.#driven(driver, query)} ${bound}) c`,
    );
    return Number(rows[0]?.count ?? 0);
  }

  async labelKeys(namespace?: string): Promise<string[]> {
    const rows = await this.#run<{ name: string }>(sql`SELECT DISTINCT l.name AS name ${this.#labelSource(namespace)}`);
    return [...new Set(rows.map(({ name }) => name))].sort();
  }

  async labelValues(key: string, namespace?: string): Promise<string[]> {
    const isKey = this.#dialect.isOneOf(sql`l.name`, [key]);
    const rows = await this.#run<{ value: string }>(
      sql`SELECT DISTINCT l.value AS value ${this.#labelSource(namespace)} AND ${isKey}`,
    );
    return rows.map(({ value }) => value).sort();
  }

  async #rows(query: ArchiveQuery, limit: number): Promise<ListRow[]> {
    const { offset = 0 } = query;
    const page = (source: SQL): Promise<ListRow[]> => this.#run<ListRow>(this.#pageSql(source, limit, offset));
    const driver = driverOf(this.#dialect, this.scope, query);
    if (driver === undefined) return page(this.#inOrder(query));
    const fewest = await this.#fewest(query);
    if (fewest !== undefined) return page(this.#driven(fewest, query));
    const probed = await page(this.#newest(query));
    if (probed.length === limit) return probed;
    return (await this.#isFew(driver)) ? page(this.#driven(driver, query)) : page(this.#inOrder(query));
  }

  /** The label or name that alone leaves so few rows that it does not matter how many of them the rest leaves. */
  async #fewest(query: ArchiveQuery): Promise<SQL | undefined> {
    const drivers = singleDriversOf(this.#dialect, this.scope, query);
    const counts = drivers.map(
      (driver, index) => sql`(SELECT count(*) FROM (${driver} LIMIT ${whole(FEW_ROWS + 1)}) d) AS ${sql.raw(`c${index}`)}`,
    );
    const [row = {}] = await this.#run<Record<string, number>>(sql`SELECT ${sql.join(counts, sql`, `)}`);
    const sizes = drivers.map((_, index) => Number(row[`c${index}`] ?? Infinity));
    const smallest = Math.min(...sizes);
    return smallest > FEW_ROWS ? undefined : drivers[sizes.indexOf(smallest)];
  }

  async #isFew(driver: SQL): Promise<boolean> {
    const rows = await this.#run<{ count: number }>(
      sql`SELECT count(*) AS count FROM (${driver} LIMIT ${whole(MOST_DRIVEN_ROWS + 1)}) d`,
    );
    return Number(rows[0]?.count ?? 0) <= MOST_DRIVEN_ROWS;
  }

  /** The keys of the page first, then only their JSON. */
  #pageSql(source: SQL, limit: number, offset: number): SQL {
    const time = (column: SQL): SQL => this.#dialect.timeText(column);
    return sql`
      SELECT k.uid AS uid, ${time(sql`k.startedat`)} AS started, ${time(sql`k.creationtimestamp`)} AS created, ${this.#dialect.partial}
      FROM (SELECT a.clustername, a.uid, a.startedat, a.creationtimestamp FROM ${source} ORDER BY ${ORDER} LIMIT ${whole(limit)} OFFSET ${whole(offset)}) k
      JOIN argo_archived_workflows b ON b.clustername = k.clustername AND b.uid = k.uid
      ORDER BY k.startedat DESC, k.creationtimestamp DESC, k.uid DESC`;
  }

  #inOrder(query: ArchiveQuery): SQL {
    return sql`argo_archived_workflows a WHERE ${all([...this.#place(query), ...this.#filter(query)])}`;
  }

  #newest(query: ArchiveQuery): SQL {
    return sql`(SELECT ${PLAIN} FROM argo_archived_workflows a WHERE ${all(this.#place(query))} ORDER BY ${ORDER} LIMIT ${whole(PROBED_ROWS)}) a
      WHERE ${all([sql`1 = 1`, ...this.#filter(query)])}`;
  }

  #driven(driver: SQL, query: ArchiveQuery): SQL {
    const conditions = [...this.#place(query), ...this.#filter(query)];
    return sql`(${driver}) d JOIN argo_archived_workflows a ON a.uid = d.uid WHERE ${all(conditions)}`;
  }

  #place(query: ArchiveQuery): SQL[] {
    const { after } = query;
    return [...scopeConditions(this.scope), ...placeConditions(this.#dialect, query), ...cursorConditions(this.#dialect, after)];
  }

  #filter(query: ArchiveQuery): SQL[] {
    return [...filterConditions(this.#dialect, query), ...(query.notLive && this.#notLive ? [this.#notLive] : [])];
  }

  #labelSource(namespace: string | undefined): SQL {
    const inNamespace = namespace ? [this.#dialect.isOneOf(sql`a.namespace`, [namespace])] : [];
    return sql`FROM argo_archived_workflows_labels l JOIN argo_archived_workflows a ON a.clustername = l.clustername AND a.uid = l.uid
      WHERE ${all([...scopeConditions(this.scope), ...inNamespace])}`;
  }

  async #getOne(conditions: readonly SQL[]): Promise<Workflow | undefined> {
    const rows = await this.#run<{ workflow: string }>(sql`
      SELECT ${this.#dialect.whole} AS workflow FROM argo_archived_workflows a
      WHERE ${all([...scopeConditions(this.scope), ...conditions])} ORDER BY a.startedat DESC LIMIT 1`);
    return rows[0] && (this.#dialect.parseWhole(rows[0].workflow) as Workflow);
  }

  #run<Row>(query: SQL): Promise<Row[]> {
    return this.#executor.run<Row>(this.#dialect.render(query));
  }
}

/** Row counts stand in the text: not every server takes them as values. */
const whole = (count: number): SQL => sql.raw(String(Math.min(Math.max(0, Math.trunc(count)), Number.MAX_SAFE_INTEGER)));
