import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { postgresTemplate, sharedFolder, sharedFolderHint, type TestDatabase } from '#libs/testing';
import { type Workflow } from '#libs/workflow-spec';

import { createStore, type Store } from '../store.js';

const parts = ['conformance', 'records', 'ladder'];
const folder = sharedFolder(...parts);
const hint = folder === undefined ? ` (${sharedFolderHint(...parts)})` : '';

interface Label {
  clustername: string;
  uid: string;
  name: string;
  value: string;
}
interface Row extends Record<string, unknown> {
  uid: string;
  name: string;
  workflow: Workflow;
}
interface Sample {
  argo_archived_workflows: Row[];
  argo_archived_workflows_labels: Label[];
}
const sampleOf = (name: string): Sample => JSON.parse(readFileSync(path.join(folder ?? '', `${name}.json`), 'utf8')) as Sample;
const byName = (labels: readonly Label[]): Label[] => [...labels].sort((left, right) => (left.name < right.name ? -1 : 1));

describe.skipIf(folder === undefined)(`rows of a real Argo's archive${hint}`, () => {
  let database: TestDatabase;
  let store: Store;
  beforeAll(async () => {
    database = await postgresTemplate();
    store = createStore({ connection: database.connection, clock: { nowMs: () => 0 } });
  });
  afterAll(async () => {
    await store.close();
    await database.drop();
  });

  const samples = ['little', 'bigger'];

  it.each(samples)('are what we write of the same workflow: %s', async (name) => {
    const { argo_archived_workflows: rows, argo_archived_workflows_labels: labels } = sampleOf(name);
    const [row] = rows;
    const workflow = row?.workflow as Workflow;
    const createdAtMs = Date.parse(workflow.metadata.creationTimestamp ?? '');
    await store.archive.upsert({ workflow, version: 1, nowMs: createdAtMs + 60_000, createdAtMs });
    const written = await store.database.run<{ row: Row; labels: Label[] }>({
      text: `SELECT to_jsonb(a) AS row, (SELECT jsonb_agg(l) FROM argo_archived_workflows_labels l WHERE l.uid = a.uid) AS labels
        FROM argo_archived_workflows a WHERE uid = $1`,
      values: [row?.uid],
    });
    expect(written[0]?.row).toEqual(row);
    expect(byName(written[0]?.labels ?? [])).toEqual(byName(labels));
  });

  it.each(samples)('are read as if they were ours: %s', async (name) => {
    const { argo_archived_workflows: rows } = sampleOf(name);
    await store.database.run({ text: 'DELETE FROM argo_archived_workflows' });
    await store.database.run({
      text: 'INSERT INTO argo_archived_workflows SELECT * FROM jsonb_populate_recordset(NULL::argo_archived_workflows, $1)',
      values: [JSON.stringify(rows)],
    });
    const workflow = rows[0]?.workflow as Workflow;
    expect(await store.archive.getByName('lab', name)).toEqual(workflow);
    const [listed] = (await store.archive.list({ namespace: 'lab' })).workflows;
    expect(listed?.metadata).toEqual(workflow.metadata);
    expect(Object.keys(listed?.status ?? {}).sort()).toEqual([
      'finishedAt',
      'phase',
      'progress',
      'resourcesDuration',
      'startedAt',
    ]);
  });
});
