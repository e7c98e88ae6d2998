import { type SQL } from 'drizzle-orm';

import { type Statement } from '../connection/database.js';

/** What differs between the servers where the archive is read. Rows of the archive are `a`, those of labels `l`. */
export interface ArchiveDialect {
  render(query: SQL): Statement;
  /** A time as the columns have it. */
  time(text: string): SQL;
  /** A time of a column as text, with all its digits. */
  timeText(column: SQL): SQL;
  /** The column is one of the values, to the letter. */
  isOneOf(column: SQL, values: readonly string[]): SQL;
  /** The column is none of the values, of which there may be very many. */
  isNoneOf(column: SQL, values: readonly string[]): SQL;
  startsWith(column: SQL, prefix: string): SQL;
  contains(column: SQL, part: string): SQL;
  /** A label's text as a whole number beyond another; false for other texts. */
  compareNumber(column: SQL, operator: 'gt' | 'lt', value: number): SQL;
  /** Columns of the partial object of a list. */
  partial: SQL;
  /** The stored JSON as text. */
  whole: SQL;
  parsePartial(row: Record<string, unknown>): unknown;
  parseWhole(text: string): unknown;
}
