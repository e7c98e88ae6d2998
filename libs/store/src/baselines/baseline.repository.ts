import { LabelName, TransientError, type Workflow } from '#libs/workflow-spec';

import { type ArchiveStore } from '../archive/archive-store.js';
import { type Database } from '../connection/database.js';

/** What an earlier run took, in whole seconds; nodes by their names after the workflow's own (`''` is the root). */
export interface Baseline {
  seconds: number;
  nodeSeconds: Record<string, number>;
}

/** Nodes of a run that are read for an estimate: of a larger one, those that began first. */
const MOST_NODES = 2000;
/** As Argo's estimator waits for its archive. */
const ARCHIVE_LIMIT_MS = 5_000;

/** Labels that tell runs of the same thing, each with an index of its own. */
const LABELS: ReadonlySet<string> = new Set([
  LabelName.workflowTemplate,
  LabelName.clusterWorkflowTemplate,
  LabelName.cronWorkflow,
]);

interface RunTimes {
  name: string;
  started_at: string | null;
  finished_at: string | null;
}

/** The newest successful run of a template or schedule, for estimates of how long the next one takes (Argo's estimator). */
export class BaselineRepository {
  readonly #database: Database;
  readonly #archive: Pick<ArchiveStore, 'list' | 'getByUid'>;

  constructor(database: Database, archive: Pick<ArchiveStore, 'list' | 'getByUid'>) {
    this.#database = database;
    this.#archive = archive;
  }

  /** Looks among the workflows that are there, then in the archive; undefined where there is none or the label is none of the known. */
  async newest(namespace: string, label: string, value: string): Promise<Baseline | undefined> {
    if (!LABELS.has(label)) return undefined;
    return (await this.#newestLive(namespace, label, value)) ?? this.#newestArchived(namespace, label, value);
  }

  async #newestLive(namespace: string, label: string, value: string): Promise<Baseline | undefined> {
    const runs = await this.#database.run<{ uid: string; name: string; started_at_ms: number; finished_at_ms: number }>({
      name: `baseline-${label}`,
      text: `
        SELECT w.uid, w.name, s.started_at_ms, s.finished_at_ms FROM workflows w JOIN workflow_state s ON s.uid = w.uid
        WHERE w.namespace = $1 AND w.labels ->> '${label}' = $2 AND s.phase = 'Succeeded'
          AND s.started_at_ms IS NOT NULL AND s.finished_at_ms IS NOT NULL
        ORDER BY w.created_at_ms DESC LIMIT 1`,
      values: [namespace, value],
    });
    const run = runs[0];
    if (!run) return undefined;
    const nodes = await this.#database.run<RunTimes>({
      name: 'baseline-nodes',
      text: `
        SELECT name, body -> 'status' ->> 'startedAt' AS started_at, body -> 'status' ->> 'finishedAt' AS finished_at
        FROM workflow_nodes WHERE workflow = $1 AND NOT tombstone ORDER BY ordinal LIMIT $2`,
      values: [run.uid, MOST_NODES],
    });
    const seconds = Math.round((run.finished_at_ms - run.started_at_ms) / 1000);
    return { seconds, nodeSeconds: secondsByName(run.name, nodes) };
  }

  async #findArchived(namespace: string, label: string, value: string): Promise<Workflow | undefined> {
    const labels = [{ key: label, operator: 'in' as const, values: [value] }];
    const { workflows } = await this.#archive.list({ namespace, phases: ['Succeeded'], labels, limit: 1 });
    const uid = workflows[0]?.metadata.uid;
    return uid === undefined ? undefined : this.#archive.getByUid(uid);
  }

  /** An estimate is not worth waiting for: an archive that is away or slow has none. */
  async #newestArchived(namespace: string, label: string, value: string): Promise<Baseline | undefined> {
    const found = await within(ARCHIVE_LIMIT_MS, this.#findArchived(namespace, label, value)).catch((error: unknown) => {
      if (error instanceof TransientError) return undefined;
      throw error;
    });
    const { metadata, status } = found ?? {};
    const seconds = secondsBetween(status?.startedAt, status?.finishedAt);
    if (seconds === undefined) return undefined;
    const nodes = Object.values(status?.nodes ?? {}).slice(0, MOST_NODES);
    const times = nodes.map(({ name, startedAt, finishedAt }) => ({
      name,
      started_at: startedAt ?? null,
      finished_at: finishedAt ?? null,
    }));
    return { seconds, nodeSeconds: secondsByName(metadata?.name ?? '', times) };
  }
}

/** Undefined where the answer takes longer. */
const within = async <Value>(limitMs: number, answer: Promise<Value>): Promise<Value | undefined> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => (timer = setTimeout(() => resolve(undefined), limitMs)));
  // Nobody listens any more to an answer that comes too late.
  answer.catch(() => undefined);
  return Promise.race([answer, late]).finally(() => clearTimeout(timer));
};

const secondsBetween = (from: string | null | undefined, to: string | null | undefined): number | undefined => {
  const seconds = (Date.parse(to ?? '') - Date.parse(from ?? '')) / 1000;
  return Number.isNaN(seconds) ? undefined : Math.round(seconds);
};

const secondsByName = (workflowName: string, nodes: readonly RunTimes[]): Record<string, number> =>
  Object.fromEntries(
    nodes.flatMap(({ name, started_at, finished_at }): [string, number][] => {
      const seconds = secondsBetween(started_at, finished_at);
      return seconds === undefined || !name.startsWith(workflowName) ? [] : [[name.slice(workflowName.length), seconds]];
    }),
  );
