import type { ArgoPlace, ArgoSurvey } from '#libs/store';
import { type ControllerConfig, PermanentError, TransientError, UserError } from '#libs/workflow-spec';
import type { ArchiveReport } from './archive-report.js';
import type { LiveWorkflows } from './live-workflows.js';
import type { MigrationSource } from './migration-source.js';

/** How Argo's database is asked. */
export interface ArchiveAccess {
  /** False: it is not connected to. */
  isAsked: boolean;
  /** Address to use instead of the configured one; without an account that of the Secrets counts. */
  url?: string | undefined;
  /** Value of the instance label that this installation would have; the controller's where absent. */
  instanceId?: string | undefined;
}

interface Subject {
  config: ControllerConfig;
  source: Pick<MigrationSource, 'secret'>;
  offloaded: LiveWorkflows['offloaded'];
}

const TIMEOUT_MS = 10_000;
const BATCH = 200;
const DAY_MS = 86_400_000;
const MANY = 100_000;
const clock = { nowMs: () => Date.now() };

/** Loaded only where there is a database: other installations are read faster without. */
const loadStore = () => import('#libs/store');
const loadProgram = () => import('#libs/program');

const ttlText = (ms: number): string => (ms % DAY_MS === 0 ? `${ms / DAY_MS}d` : `${ms / 1000}s`);

const settingsOf = ({ persistence, instanceID }: ControllerConfig, access: ArchiveAccess) => ({
  archive: persistence?.archive === true,
  nodeStatusOffLoad: persistence?.nodeStatusOffLoad === true,
  ...(persistence?.archiveTTL ? { archiveTTL: ttlText(persistence.archiveTTL) } : {}),
  clusterName: persistence?.clusterName || 'default',
  instanceId: access.instanceId ?? instanceID ?? '',
});
type Settings = ReturnType<typeof settingsOf>;

/** Where the database is. Rejects where an address cannot be read, or a Secret is missing or not for this reader. */
const placeOf = async ({ config, source }: Subject, { url }: ArchiveAccess): Promise<ArgoPlace | undefined> => {
  const { argoPlaceOf, secretValue } = await loadProgram();
  const { argoPlaceFromUrl } = await loadStore();
  const readSecret = async (name: string, key: string) => secretValue(await source.secret(name), key);
  const given = url === undefined ? undefined : argoPlaceFromUrl(url);
  const { clusterName, postgresql, mysql, skipMigration } = config.persistence ?? {};
  const tableName = (postgresql ?? mysql)?.tableName;
  if (given === undefined) return argoPlaceOf(config, readSecret);
  const account = given.user === undefined ? await argoPlaceOf(config, readSecret) : undefined;
  return {
    ...(account?.user === undefined ? {} : { user: account.user }),
    ...(account?.password === undefined ? {} : { password: account.password }),
    ...(clusterName ? { clusterName } : {}),
    ...(tableName ? { tableName } : {}),
    ...(skipMigration === undefined ? {} : { skipMigration }),
    ...given,
  };
};

/** What to do about an error on the way to the database. Other errors are ours, and thrown. */
const adviceOn = (error: unknown): string => {
  if (error instanceof UserError) return 'give the right to read it, or --archive-url with an account';
  if (error instanceof TransientError)
    return 'where it answers under another address or account only (kubectl port-forward), give that as --archive-url; --no-archive leaves it out';
  if (error instanceof PermanentError) return 'the account needs the right to read its tables';
  throw error;
};

/** What the database holds of Argo, and what would become of it. Changes nothing. */
export const assessArchive = async (subject: Subject, access: ArchiveAccess): Promise<ArchiveReport> => {
  const { persistence } = subject.config;
  const isNamed = persistence?.postgresql !== undefined || persistence?.mysql !== undefined;
  const settings = settingsOf(subject.config, access);
  if (!isNamed && access.url === undefined) return unnamed(subject.offloaded, persistence !== undefined);
  const report: ArchiveReport = { state: 'not asked', settings, facts: settingFacts(settings), notes: [], problems: [] };
  if (!access.isAsked) return report;
  try {
    const place = await placeOf(subject, access);
    if (place === undefined) return report;
    const { describePlace } = await loadStore();
    report.place = describePlace(place);
    return await readPlace(report, place, subject.offloaded);
  } catch (error) {
    const { message } = error as Error;
    return { ...report, state: 'unread', problems: [`${message}: ${adviceOn(error)}`] };
  }
};

const unnamed = ({ unfinished }: LiveWorkflows['offloaded'], hasBlock: boolean): ArchiveReport => ({
  state: 'none',
  facts: [],
  notes: hasBlock ? ["Argo's tables are made beside Argosy's own, in DATABASE_URL"] : [],
  problems:
    unfinished === 0
      ? []
      : [`${unfinished} unfinished workflows have offloaded nodes: give the database that holds them as --archive-url`],
});

const settingFacts = ({ archive, nodeStatusOffLoad, archiveTTL, clusterName, instanceId }: Settings): string[] => [
  `archive: ${archive ? 'on' : 'off'}, kept ${archiveTTL === undefined ? 'for ever' : `for ${archiveTTL}`}; offloading of nodes: ${nodeStatusOffLoad ? 'on' : 'off'}`,
  `cluster name ${clusterName}, instance ID ${instanceId === '' ? '(none)' : instanceId}`,
];

const readPlace = async (
  report: ArchiveReport,
  place: ArgoPlace,
  offloaded: LiveWorkflows['offloaded'],
): Promise<ArchiveReport> => {
  const { openArgoDatabase, surveyArgoTables, OffloadTable, ARGO_SCHEMA_VERSION } = await loadStore();
  const opened = { ...place, skipMigration: true, maxConnections: 1 };
  const database = openArgoDatabase(opened, { clock, statementTimeoutMs: TIMEOUT_MS });
  try {
    const survey = await surveyArgoTables(database);
    const looked = survey.offloaded === undefined ? [] : offloaded.needed;
    const table = new OffloadTable(database, place);
    let found = 0;
    for (let at = 0; at < looked.length; at += BATCH) found += (await table.standing(looked.slice(at, at + BATCH))).length;
    const needed = { workflows: offloaded.unfinished, looked: looked.length, found };
    const verdict = verdictOn(survey, place, ARGO_SCHEMA_VERSION);
    return {
      ...report,
      state: 'read',
      ...(survey.version === undefined ? {} : { schemaVersion: survey.version }),
      missingTables: survey.missing,
      ...(survey.archived === undefined ? {} : { archived: survey.archived }),
      ...(survey.offloaded === undefined ? {} : { offloaded: survey.offloaded }),
      needed,
      facts: [...report.facts, ...verdict.facts, ...neededFacts(needed)],
      notes: [...verdict.notes, ...strangerNotes(survey, report.settings), ...serverNotes(survey, place)],
      problems: [...verdict.problems, ...neededProblems(needed)],
    };
  } finally {
    await database.close();
  }
};

type Verdict = Pick<ArchiveReport, 'facts' | 'notes' | 'problems'>;

/** Whether the services use the tables as they are. */
const verdictOn = ({ version, missing, refusal }: ArgoSurvey, { skipMigration }: ArgoPlace, current: number): Verdict => {
  const facts: string[] = [];
  const notes: string[] = [];
  const problems: string[] = [];
  const lacking = missing.length === 0 ? [] : [`missing tables: ${missing.join(', ')}`];
  if (refusal !== undefined) problems.push(refusal);
  else if (version !== undefined && version >= current && missing.length === 0)
    facts.push(
      `schema version ${version}: ${version === current ? 'used in place' : `newer than ${current}, used in place and left as it is`}`,
    );
  else if (skipMigration === true)
    problems.push(
      `${version === undefined ? 'no schema version' : `schema version ${version}`}${lacking.map((text) => `, ${text}`).join('')}, and skipMigration: let an Argo of version 4.1 migrate it once, or take skipMigration out`,
    );
  else if (version !== undefined && version >= current)
    problems.push(
      `schema version ${version}, but ${lacking.join()}: let Argo make them, as tables of this version are not touched`,
    );
  else {
    facts.push(
      version === undefined
        ? `no tables yet (${lacking.join()})`
        : `schema version ${version}${lacking.map((text) => `, ${text}`).join('')}`,
    );
    notes.push(
      `brought to version ${current} when a service first opens it: the account has to be allowed to, and an Argo before 4.1 cannot go back`,
    );
  }
  if (skipMigration !== true) notes.push('indexes and a table argosy_archive_… are added beside those of Argo');
  return { facts, notes, problems };
};

type Needed = NonNullable<ArchiveReport['needed']>;
const neededFacts = ({ workflows, looked, found }: Needed): string[] =>
  workflows === 0 ? [] : [`${workflows} unfinished workflows have their nodes here: ${found} of ${looked} looked for were found`];
const neededProblems = ({ workflows, looked, found }: Needed): string[] =>
  found === looked && (looked > 0 || workflows === 0)
    ? []
    : [
        `nodes of ${looked === 0 ? workflows : looked - found} unfinished workflows are not here: they would be held (WorkflowTakeoverHeld) until they are; are cluster name and table the right ones?`,
      ];

/** Rows that an installation of this cluster name and instance ID does not see. */
const strangerNotes = ({ archived, offloaded }: ArgoSurvey, settings: Settings | undefined): string[] => {
  const of = (table: ArgoSurvey['archived']) =>
    (table?.groups ?? []).filter(
      ({ clusterName, instanceId }) =>
        clusterName !== settings?.clusterName || (instanceId !== undefined && instanceId !== settings.instanceId),
    );
  const kinds = [
    [of(archived).length, 'archived workflows'],
    [of(offloaded).length, 'offloaded nodes'],
  ] as const;
  return kinds
    .filter(([groups]) => groups > 0)
    .map(
      ([, what]) =>
        `${what} of other cluster names or instance IDs are neither shown nor deleted; INSTANCE_ID and persistence.clusterName say which are ours`,
    );
};

const serverNotes = ({ archived }: ArgoSurvey, { dialect }: ArgoPlace): string[] => [
  ...(dialect === 'mysql'
    ? ['names and labels are compared to the letter: with a collation that ignores case Argo finds more']
    : []),
  ...((archived?.estimatedRows ?? 0) > MANY ? ['remainingItemCount of the archive is exact up to 100,000'] : []),
  ...(archived === undefined || archived.groups.length === 0
    ? []
    : ['while the database is away, lists show live workflows instead of failing']),
];
