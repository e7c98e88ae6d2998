import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { postgresTemplate, sharedFolder, sharedFolderHint, type TestDatabase } from '#libs/testing';
import { type NodeStatus, type Workflow } from '#libs/workflow-spec';

import { createStore, type Store } from '../store.js';
import { encodeRecord, hydrateRecord, offloadVersion } from './record-codec.js';
import { OffloadTable } from './offload-table.js';

const folder = sharedFolder('conformance', 'records', 'ladder');
const missing = folder === undefined || !existsSync(folder);

type Nodes = Record<string, NodeStatus>;
interface Sample {
  customResource: Workflow;
  argo_workflows: { uid: string; namespace: string; version: string; nodes: Nodes }[];
  argo_archived_workflows: { workflow: Workflow }[];
}
const sampleOf = (name: string): Sample => JSON.parse(readFileSync(path.join(folder ?? '', `${name}.json`), 'utf8')) as Sample;

/** The limit that the samples were made with. */
const maxSizeBytes = 10_240;

describe.skipIf(missing)(
  `records that the real Argo left${missing ? ` (${sharedFolderHint('conformance', 'records', 'ladder')})` : ''}`,
  () => {
    let database: TestDatabase;
    let store: Store;

    beforeAll(async () => {
      database = await postgresTemplate();
      store = createStore({ connection: database.connection, clock: { nowMs: () => 0 } });
      for (const { uid, namespace, version, nodes } of sampleOf('huge').argo_workflows)
        await new OffloadTable({ dialect: 'postgres', run: (statement) => store.database.run(statement) }).save({
          ...{ uid, namespace, version },
          nodes: JSON.stringify(nodes),
          nowMs: Date.parse('2026-11-21T01:15:40Z'),
        });
    });
    afterAll(async () => {
      await store.close();
      await database.drop();
    });

    const hydrated = (record: Workflow): Promise<Workflow> =>
      hydrateRecord(record, (version) => store.records.readOffloaded(record.metadata.uid ?? '', version));

    it.each([
      ['little', 'nodes', 5],
      ['bigger', 'compressedNodes', 50],
      ['huge', 'offloadNodeStatusVersion', 500],
    ] as const)('are read with all nodes: %s has %s', async (name, field, steps) => {
      const { customResource } = sampleOf(name);
      expect(customResource.status).toHaveProperty(field);
      const { status } = await hydrated(customResource);
      const pods = Object.values(status?.nodes ?? {}).filter(({ type }) => type === 'Pod');
      expect([pods.length, status?.progress]).toEqual([steps, `${steps}/${steps}`]);
      expect(status).not.toHaveProperty('compressedNodes');
      expect(status).not.toHaveProperty('offloadNodeStatusVersion');
    });

    it('hold the nodes that its own archive holds', async () => {
      const { customResource, argo_archived_workflows: archived } = sampleOf('bigger');
      expect((await hydrated(customResource)).status?.nodes).toEqual(archived[0]?.workflow.status?.nodes);
    });

    it.each([
      ['little', 'inline'],
      ['bigger', 'compressed'],
      ['huge', 'offloaded'],
    ] as const)('would be made the same way by us: %s is %s, and names the same version', async (name, encoding) => {
      const { customResource } = sampleOf(name);
      const record = await encodeRecord(await hydrated(customResource), { maxSizeBytes });
      expect(record.encoding).toBe(encoding);
      const ours = JSON.parse(record.body) as Workflow;
      expect(ours.status?.offloadNodeStatusVersion).toBe(customResource.status?.offloadNodeStatusVersion);
      expect((await hydrated(ours)).status).toEqual((await hydrated(customResource)).status);
    });

    it('name each version by its nodes as they stand in the table', async () => {
      for (const { version, nodes } of sampleOf('huge').argo_workflows)
        expect(await offloadVersion(JSON.stringify(nodes))).toBe(version);
    });
  },
);
