import { describe, expect, it } from 'vitest';
import type { ResourceRow, ResourceTable, ResourceWrite } from '#libs/resources';

let serial = 0;
const write = (name: string, changes: Partial<ResourceWrite> = {}): ResourceWrite => {
  serial += 1;
  return {
    kind: 'WorkflowTemplate',
    namespace: 'lab',
    name,
    uid: `uid-${name}-${serial}`,
    labels: { team: 'red' },
    body: {
      apiVersion: 'argoproj.io/v1alpha1',
      kind: 'WorkflowTemplate',
      metadata: { name, namespace: 'lab' },
      spec: { entrypoint: 'main' },
    },
    nowMs: 1000,
    ...changes,
  };
};

const inserted = async (table: ResourceTable, row: ResourceWrite): Promise<ResourceRow> => {
  const result = await table.insert(row);
  if (result === 'exists') throw new Error(`${row.name} exists`);
  return result;
};

/** What every ResourceTable does; `createTable` gives an empty one. */
export const resourceTableContract = (adapter: string, createTable: () => Promise<ResourceTable>): void => {
  describe(`ResourceTable: ${adapter}`, () => {
    it('gives back what was inserted, with versions that rise over all kinds', async () => {
      const table = await createTable();
      const first = await inserted(table, write('a'));
      const second = await inserted(table, write('b', { kind: 'ConfigMap' }));
      expect(second.version).toBeGreaterThan(first.version);
      expect(first.createdVersion).toBe(first.version);
      const found = await table.find({ kind: 'WorkflowTemplate', namespace: 'lab', name: 'a' });
      expect(found).toMatchObject({
        uid: first.uid,
        labels: { team: 'red' },
        body: { spec: { entrypoint: 'main' } },
        deleted: false,
      });
    });

    it('holds one undeleted row per kind, namespace and name', async () => {
      const table = await createTable();
      await inserted(table, write('a'));
      expect(await table.insert(write('a'))).toBe('exists');
      await inserted(table, write('a', { namespace: 'other' }));
      await inserted(table, write('a', { kind: 'ConfigMap' }));
      await table.remove({ kind: 'WorkflowTemplate', namespace: 'lab', name: 'a' }, 2000);
      const again = await inserted(table, write('a'));
      expect(again.createdVersion).toBe(again.version);
    });

    it('replaces only the version that the caller expects', async () => {
      const table = await createTable();
      const row = await inserted(table, write('a'));
      const changed = await table.replace(write('a', { labels: { team: 'blue' } }), row.version);
      expect(changed).toMatchObject({ uid: row.uid, createdVersion: row.createdVersion, labels: { team: 'blue' } });
      expect(await table.replace(write('a'), row.version)).toBe('conflict');
      expect(await table.replace(write('missing'))).toBe('missing');
    });

    it('pages undeleted rows by namespace and name', async () => {
      const table = await createTable();
      for (const name of ['b', 'a', 'B', 'c']) await inserted(table, write(name));
      await inserted(table, write('a', { namespace: 'zoo' }));
      await table.remove({ kind: 'WorkflowTemplate', namespace: 'lab', name: 'c' }, 2000);
      const first = await table.page({ kind: 'WorkflowTemplate', namespace: '', limit: 2 });
      expect(first.rows.map(({ name }) => name)).toEqual(['B', 'a']);
      const rest = await table.page({
        kind: 'WorkflowTemplate',
        namespace: '',
        after: { namespace: 'lab', name: 'a' },
        limit: 10,
      });
      expect(rest.rows.map(({ namespace, name }) => `${namespace}/${name}`)).toEqual(['lab/b', 'zoo/a']);
      expect(rest.currentVersion).toBe((await table.versions()).currentVersion);
    });

    it('tells changes in their order, tombstones included, and forgets old tombstones only when compacted', async () => {
      const table = await createTable();
      const row = await inserted(table, write('a'));
      await inserted(table, write('b'));
      await table.remove({ kind: 'WorkflowTemplate', namespace: 'lab', name: 'a' }, 2000);
      const changes = await table.changes({ kind: 'WorkflowTemplate', namespace: 'lab', afterVersion: 0, limit: 10 });
      expect(changes.rows.map(({ name, deleted }) => `${name} ${deleted}`)).toEqual(['b false', 'a true']);
      expect(changes.rows.at(-1)?.uid).toBe(row.uid);
      expect(changes.compactedVersion).toBe(0);
      expect(await table.compact(2000)).toBe(0);
      expect(await table.compact(2001)).toBe(1);
      const after = await table.versions();
      expect(after).toEqual({ currentVersion: changes.currentVersion, compactedVersion: changes.currentVersion });
    });

    it('gives every one of many concurrent writers a version of its own', async () => {
      const table = await createTable();
      const rows = await Promise.all(Array.from({ length: 20 }, (_, index) => inserted(table, write(`row-${index}`))));
      expect(new Set(rows.map(({ version }) => version)).size).toBe(20);
    });
  });
};
