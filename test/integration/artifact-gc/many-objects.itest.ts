import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { createStore } from '#libs/store';
import { outcomeOf, postgresTemplate, spawnTypeScript } from '#libs/testing';

const CHILD = fileURLToPath(new URL('./collect-many.ts', import.meta.url));
const OBJECTS = 20_000;
/** Far less than 20,000 rows of about a kilobyte take in memory with all that belongs to them. */
const MOST_GROWN_MB = 64;
const HEAP_MB = 64;

it('deletes a folder of very many objects in batches, with memory and a table that stay small', async () => {
  const database = await postgresTemplate();
  const clock = { nowMs: () => Date.now() };
  const store = createStore({ connection: database.connection, clock });
  const uid = 'many';
  await store.workflows.insert({
    submitted: { metadata: { uid, namespace: 'argo', name: uid }, spec: { artifactGC: { strategy: 'OnWorkflowCompletion' } } },
    createdAtMs: 1,
  });
  const artifacts = [{ name: 'folder', s3: { endpoint: 'store', bucket: 'b', key: 'folder' } }];
  await store.workflowState.commit({
    ...{ uid, expectedVersion: 0, nowMs: 1 },
    header: { engineLevel: 1, status: { phase: 'Succeeded' }, labels: {}, annotations: {}, internal: {} },
    nodes: [
      {
        id: 'n',
        parents: [],
        ordinal: 0,
        status: { id: 'n', name: 'n', type: 'Pod', phase: 'Succeeded', outputs: { artifacts } },
      },
    ],
  });
  const child = spawnTypeScript(CHILD, {
    args: [JSON.stringify(database.connection), String(OBJECTS), uid],
    env: { NODE_OPTIONS: `--max-old-space-size=${HEAP_MB}` },
  });
  const { exitCode, stdout, stderr } = await outcomeOf(child);
  expect([exitCode, stderr]).toEqual([0, '']);
  const said = JSON.parse(stdout) as { left: number; requests: number; jobs: number; grownMb: number; rows: object };
  // Rows of single objects go with them: that of the folder is what is left.
  expect(said).toMatchObject({ left: 0, rows: { expanded: 1 } });
  expect(said.requests).toBeLessThan(OBJECTS / 400);
  expect(said.grownMb).toBeLessThan(MOST_GROWN_MB);
  expect(await store.artifactDeletions.deletedArtifacts(uid)).toEqual([{ nodeId: 'n', artifactName: 'folder' }]);
  await store.close();
  await database.drop();
});
