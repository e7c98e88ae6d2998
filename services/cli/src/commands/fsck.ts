import type { Command } from 'commander';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { configOf, loadConfig, optionalSecret } from '#libs/config';
import type { FsckReport, StoreConnection } from '#libs/store';
import { UserError } from '#libs/workflow-spec';
import { tableText } from '../output/table.js';
import { contextOf, ExitCodeError, wordOf } from './context.js';

interface FsckFlags {
  databaseUrl?: string;
  data: string;
  repair?: boolean;
  grace: string;
  output?: string;
}

const databaseSchema = configOf({
  databaseUrl: optionalSecret({ about: 'Postgres whose tables are checked; that of the --data folder where absent.' }),
});
const FORMATS = ['text', 'json'] as const;
const READY_LIMIT_MS = 10_000;
const MS = 1000;
const clock = { nowMs: () => Date.now() };

/** Loaded only when needed: the verbs that speak to a server start faster without it. */
const loadStore = () => import('#libs/store');

/** Runs `work` on the database that the flags name; an embedded one that runs already is used as it is and left running. */
const onDatabase = async <Result>(flags: FsckFlags, work: (connection: StoreConnection) => Promise<Result>): Promise<Result> => {
  const url = flags.databaseUrl ?? loadConfig(databaseSchema).databaseUrl?.reveal();
  if (url !== undefined) return work({ connectionString: url });
  const dataDir = path.resolve(flags.data);
  if (!existsSync(dataDir))
    throw new UserError(`there is no folder ${dataDir}: give --data, or --database-url (or DATABASE_URL) of an installation`);
  const { startEmbeddedPostgres } = await loadStore();
  const postgres = await startEmbeddedPostgres({ dataDir, onLive: 'adopt' });
  try {
    return await work(postgres.connection);
  } finally {
    if (!postgres.adopted) await postgres.stop();
  }
};

const check = async (connection: StoreConnection, options: { repair: boolean; graceMs: number }): Promise<FsckReport> => {
  const { createStore, fsck } = await loadStore();
  const store = createStore({ connection, clock, maxConnections: 1, applicationName: 'argosy-fsck' });
  try {
    await store.waitUntilReady(READY_LIMIT_MS);
    return await fsck(store, options);
  } finally {
    await store.close();
  }
};

const reportText = ({ findings, checks }: FsckReport): string => {
  if (findings.length === 0) return `${checks} checks, no findings`;
  const rows = findings.map(({ check: name, workflow, detail, repaired }) => [
    name,
    workflow,
    repaired ? 'repaired' : '',
    detail,
  ]);
  return `${tableText([['CHECK', 'WORKFLOW', 'STATE', 'DETAIL'], ...rows])}\n${checks} checks, ${findings.length} findings`;
};

const graceMsOf = (text: string): number => {
  const seconds = Number(text.replace(/s$/, ''));
  if (!Number.isFinite(seconds) || seconds < 0) throw new UserError(`--grace takes seconds, for example 30s, not ${text}`);
  return seconds * MS;
};

/** `fsck`: the invariants of the tables. */
export const addFsck = (program: Command): void => {
  program
    .command('fsck')
    .description('check the tables: no row may wait for nothing, belong to nobody or contradict another')
    .option('--database-url <url>', 'Postgres of the installation; default DATABASE_URL')
    .option('--data <folder>', 'else the folder of `argosy up`, which may be running', './.argosy')
    .option('--repair', 'put right what is safe to put right')
    .option('--grace <seconds>', 'leave out what is younger, as it may still be on its way', '30s')
    .option('-o, --output <format>', `print as ${FORMATS.join(', ')}`, 'text')
    .addHelpText(
      'after',
      '\nThe exit code is 0 where nothing was found or all of it was repaired.\n\nExamples:\n  argosy fsck\n  argosy fsck --database-url postgres://argosy@db/argosy --repair',
    )
    .action(async (flags: FsckFlags, command: Command) => {
      const context = contextOf(command);
      const format = wordOf('--output', FORMATS, flags.output);
      const options = { repair: flags.repair === true, graceMs: graceMsOf(flags.grace) };
      const report = await onDatabase(flags, (connection) => check(connection, options));
      context.out(format === 'json' ? JSON.stringify(report, null, 2) : reportText(report));
      if (report.findings.some(({ repaired }) => !repaired)) throw new ExitCodeError(1);
    });
};
