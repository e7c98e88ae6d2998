import { createStore, type Executor, parseLabelSelector, startEmbeddedPostgres, type Store } from '#libs/store';
import type { BenchRun } from './bench-run.js';
import { fillArchive, LABEL_VALUES, NAME_KINDS } from './archive-data.js';
import type { Figure } from './figures.js';

const WORKFLOWS = 1_000_000;
const PAGE = 50;
const PAGES_BEFORE = 199;
const QUESTIONS = 40;
/** Argo's own SQL takes seconds for some of them. */
const ARGO_QUESTIONS = 8;
const WARM_UP = 3;
const GOAL_MS = 100;
const clock = { nowMs: () => Date.now() };

/** Lists as people ask for them; `n` makes each question another one. */
type Question = (n: number) => Promise<unknown>;

const percentile95 = (timesMs: readonly number[]): number =>
  [...timesMs].sort((left, right) => left - right)[Math.ceil(timesMs.length * 0.95) - 1] ?? NaN;

const measured = async (ask: Question, questions = QUESTIONS): Promise<number> => {
  const timesMs: number[] = [];
  for (let n = -WARM_UP; n < questions; n += 1) {
    const startedMs = performance.now();
    await ask(n + WARM_UP);
    if (n >= 0) timesMs.push(performance.now() - startedMs);
  }
  return percentile95(timesMs);
};

const valueOf = (label: keyof typeof LABEL_VALUES, n: number): string => `${label}-${(n * 7) % LABEL_VALUES[label]}`;
const selector = (labels: readonly (keyof typeof LABEL_VALUES)[], n: number): string =>
  labels.map((label) => `${label}=${valueOf(label, n)}`).join(',');

/** What Argo's archive asks for the same lists (persist/sqldb/workflow_archive.go): newest first, an offset, an EXISTS for each label. */
const argoList = (connection: Executor, condition: string, offset = 0): Promise<unknown> =>
  connection.run({
    text: `
      SELECT name, namespace, uid, phase, startedat, finishedat, creationtimestamp,
        coalesce(workflow -> 'metadata' ->> 'labels', '{}') AS labels, coalesce(workflow -> 'metadata' ->> 'annotations', '{}') AS annotations,
        coalesce(workflow -> 'status' ->> 'progress', '') AS progress, coalesce(workflow -> 'spec' ->> 'suspend', '') AS suspend,
        coalesce(workflow -> 'status' ->> 'message', '') AS message, coalesce(workflow -> 'status' ->> 'estimatedDuration', '0') AS estimated,
        coalesce(workflow -> 'status' ->> 'resourcesDuration', '{}') AS resources
      FROM argo_archived_workflows
      WHERE clustername = 'default' AND instanceid = '' AND ${condition} ORDER BY startedat DESC LIMIT ${PAGE} OFFSET ${offset}`,
  });
const argoLabel = (pair: string): string => {
  const [name, value] = pair.split('=');
  return `EXISTS (SELECT 1 FROM argo_archived_workflows_labels WHERE clustername = argo_archived_workflows.clustername
    AND uid = argo_archived_workflows.uid AND name = '${name}' AND value = '${value}')`;
};

const TWO_LABELS = [
  ['two labels, each in many (1 of 60 has both)', ['team', 'env']],
  ['two labels, one of them in few (1 of 10,000)', ['team', 'app']],
  ['two labels, hardly ever together (1 of 1,000,000)', ['app', 'owner']],
] as const;

const argoQuestions = (connection: Executor): [string, Question][] => [
  ['first page', (n) => argoList(connection, `namespace = 'ns-${n % 10}'`)],
  ['page 200', (n) => argoList(connection, `namespace = 'ns-${n % 10}'`, PAGES_BEFORE * PAGE)],
  ...TWO_LABELS.map(([name, labels]): [string, Question] => [
    name,
    (n) => argoList(connection, selector(labels, n).split(',').map(argoLabel).join(' AND ')),
  ]),
  ['name prefix', (n) => argoList(connection, `name LIKE 'kind${n % NAME_KINDS}-%'`)],
];

const ourQuestions = async ({ archive }: Store): Promise<[string, Question][]> => {
  const inNamespace = (n: number) => ({ namespace: `ns-${n % 10}`, limit: PAGE });
  const ends = await Promise.all(
    Array.from({ length: 10 }, (_, n) => archive.list({ ...inNamespace(n), limit: 1, offset: PAGES_BEFORE * PAGE - 1 })),
  );
  return [
    ['first page', (n) => archive.list(inNamespace(n))],
    ['first page of all namespaces', () => archive.list({ limit: PAGE })],
    ['page 200', (n) => archive.list({ ...inNamespace(n), after: ends[n % 10]!.cursors[0]! })],
    ['page 200, of an unknown token', (n) => archive.list({ ...inNamespace(n), offset: PAGES_BEFORE * PAGE })],
    ...TWO_LABELS.map(([name, labels]): [string, Question] => [
      name,
      (n) => archive.list({ labels: parseLabelSelector(selector(labels, n)), limit: PAGE }),
    ]),
    ['name prefix', (n) => archive.list({ name: { match: 'prefix', value: `kind${n % NAME_KINDS}-` }, limit: PAGE })],
    ['remaining count', () => archive.count({}, 100_000)],
  ];
};

/**
 * A million archived workflows of ten labels each: what lists take, and beside it Argo's own SQL, with its indexes only and a session as
 * its controller has it.
 */
export const measureArchive = async (run: BenchRun): Promise<Figure[]> => {
  const postgres = await startEmbeddedPostgres({
    dataDir: run.folder,
    durable: false,
    settings: { shared_buffers: '512MB', max_wal_size: '8GB' },
  });
  run.atEnd(() => postgres.stop());
  const store = createStore({ connection: postgres.connection, clock, maxConnections: 4, statementTimeoutMs: 0 });
  run.atEnd(() => store.close());
  await store.waitUntilReady(20_000);
  const bench = 'archive';
  const figures: Figure[] = [];
  const startedMs = performance.now();
  await store.database.withConnection(async (connection) => {
    await fillArchive(connection, WORKFLOWS, async () => {
      await connection.run({ text: 'SET enable_seqscan = on' });
      await connection.run({ text: 'SET jit = on' });
      for (const [name, ask] of argoQuestions(connection)) {
        figures.push({ bench, figure: `Argo's SQL: ${name}, p95`, value: await measured(ask, ARGO_QUESTIONS), unit: 'ms' });
      }
    });
  });
  figures.push({
    bench,
    figure: 'making 1,000,000 workflows and asking Argo',
    value: (performance.now() - startedMs) / 1000,
    unit: 's',
  });
  for (const [name, ask] of await ourQuestions(store)) {
    figures.push({ bench, figure: `${name}, p95`, value: await measured(ask), unit: 'ms', goal: { atMost: GOAL_MS } });
  }
  return figures;
};
