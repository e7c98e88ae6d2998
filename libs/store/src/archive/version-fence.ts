import { type Executor } from '../connection/database.js';

/**
 * What keeps an older end of a workflow from replacing a newer one: `marks`, our own table, where the archive is beside it; `versions`,
 * our table beside an archive that is elsewhere; `ends`, the end's own time, where nothing may be created there.
 */
export type VersionFence = 'marks' | 'versions' | 'ends';

/** How long versions are kept beyond the archive's own rows: nothing that is under way is older. */
export const VERSION_GRACE_MS = 86_400_000;

/** Looks once whether our table is there; it is unless an operator keeps us from making it. */
export const fenceElsewhere = (executor: Executor, schemaSql: string): (() => Promise<VersionFence>) => {
  let known: VersionFence | undefined;
  return async () => {
    known ??= (await hasVersions(executor, schemaSql)) ? 'versions' : 'ends';
    return known;
  };
};

const hasVersions = async (executor: Executor, schemaSql: string): Promise<boolean> => {
  const text = `SELECT 1 AS found FROM information_schema.tables WHERE table_schema = ${schemaSql} AND table_name = 'argosy_archive_versions'`;
  return (await executor.run({ text })).length > 0;
};
