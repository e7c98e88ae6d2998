import type { SurveyedRows, SurveyedTable } from '#libs/store';

/** What Argo's database holds, and what becomes of it. */
export interface ArchiveReport {
  /**
   * `none`: the configuration names no database. `not asked`: a file was read, or it was switched off. `unread`: it could not be
   * reached or read. `read`: all below was seen.
   */
  state: 'none' | 'not asked' | 'unread' | 'read';
  /** Server and database; never an account or a password. */
  place?: string;
  settings?: { archive: boolean; nodeStatusOffLoad: boolean; archiveTTL?: string; clusterName: string; instanceId: string };
  /** Of `schema_history`. */
  schemaVersion?: number;
  missingTables?: string[];
  archived?: SurveyedTable;
  offloaded?: SurveyedTable;
  /** Unfinished workflows whose nodes are rows of the table: how many of `looked` have theirs. */
  needed?: { workflows: number; looked: number; found: number };
  /** What is so, one line each. */
  facts: string[];
  /** What differs from Argo. */
  notes: string[];
  /** What stands in the way, with what to do. */
  problems: string[];
}

const atLeast = ({ rows, isMore }: Pick<SurveyedRows, 'rows' | 'isMore'>): string => `${isMore ? 'more than ' : ''}${rows}`;

/** A line for each cluster name and instance ID. */
const groupLines = ({ name, groups, isMore, estimatedRows }: SurveyedTable): string[] => {
  const isEstimated = isMore || groups.some((group) => group.isMore);
  return [
    ...groups.map(
      (group) =>
        `${name}: ${atLeast(group)} of cluster name ${group.clusterName}` +
        (group.instanceId === undefined ? '' : `, instance ID ${group.instanceId === '' ? '(none)' : group.instanceId}`),
    ),
    ...(isMore ? [`${name}: rows of other cluster names and instance IDs as well`] : []),
    ...(groups.length === 0 ? [`${name}: no rows`] : []),
    ...(isEstimated && estimatedRows !== undefined
      ? [`${name}: about ${estimatedRows} rows in all, by the server's statistics`]
      : []),
  ];
};

/** The section of the report for people. */
export const archiveLines = (report: ArchiveReport): string[] => {
  const { place, archived, offloaded, facts, notes, problems } = report;
  return [
    `  ${STATES[report.state]}${place === undefined ? '' : `: ${place}`}`,
    ...[...facts, ...(archived ? groupLines(archived) : []), ...(offloaded ? groupLines(offloaded) : [])].map(
      (line) => `  ${line}`,
    ),
    ...notes.map((note) => `  differs: ${note}`),
    ...problems.map((problem) => `  problem: ${problem}`),
  ];
};

const STATES: Record<ArchiveReport['state'], string> = {
  none: 'the configuration names no database',
  'not asked': 'not asked',
  unread: 'could not be read',
  read: 'read',
};
