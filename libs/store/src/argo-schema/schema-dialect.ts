import { type Executor } from '../connection/database.js';
import { type ArgoColumn, type ArgoTable } from './argo-tables.js';

/** How a table stands in a database; undefined where it is not there. */
export interface StandingTable {
  /** Types in the database's own words, by column. */
  columns: ReadonlyMap<string, string>;
  primaryKey: readonly string[];
  /** Columns with their direction, by index. */
  indexes: ReadonlyMap<string, readonly string[]>;
}

/** What differs between the servers where Argo's tables are made and brought forward. */
export interface SchemaDialect {
  /** Others that bring tables up wait meanwhile; DDL may take as long as it takes. */
  begin(connection: Executor): Promise<void>;
  end(connection: Executor): Promise<void>;
  standing(connection: Executor, table: string): Promise<StandingTable | undefined>;
  /** As the server's statistics have it, which may be old or missing (undefined): no row is read. */
  estimatedRows(connection: Executor, table: string): Promise<number | undefined>;
  /** Whether a standing type is as good as the wanted one. */
  isType(column: ArgoColumn, standing: string): boolean;
  columnSql(column: ArgoColumn): string;
  /** What follows a table's closing bracket. */
  tableSuffix: string;
  /** Gives a column the wanted type; values are kept. */
  retypeSql(table: string, column: ArgoColumn): string;
  dropIndexSql(table: string, index: string): string;
  replacePrimaryKeySql(table: ArgoTable, standing: StandingTable): string[];
  /** Puts what older versions did not have into new columns and tables. */
  fillSql: { instanceId: string[]; creationTimestamp: string[]; labels: string[] };
  /** Our own tables and indexes beside Argo's, by name; each is made once. */
  extras: Readonly<Record<string, string>>;
  standingExtras(connection: Executor): Promise<ReadonlySet<string>>;
}
