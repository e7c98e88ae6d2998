import { describe, expect, it } from 'vitest';

import { type ArchiveQuery, type ArchiveStore, parseLabelSelector } from '#libs/store';
import { type Workflow } from '#libs/workflow-spec';

/** An archive whose tables are empty, and the statements that only its server understands. */
export interface ArchiveStoreUnderTest {
  archive: ArchiveStore;
  /** Rows of Argo's table with this uid. */
  rowCount: (uid: string) => Promise<number>;
  /** Whether an older end may not replace a newer one of the same second. */
  fencesVersions: boolean;
}

const NOW_MS = Date.UTC(2026, 0, 2, 3, 4, 5);

interface Changes {
  name?: string;
  namespace?: string;
  phase?: 'Succeeded' | 'Failed';
  startedAt?: string;
  finishedAt?: string;
  labels?: Record<string, string>;
  message?: string;
}

const workflow = (uid: string, changes: Changes = {}): Workflow => ({
  apiVersion: 'argoproj.io/v1alpha1',
  kind: 'Workflow',
  metadata: {
    uid,
    name: changes.name ?? uid,
    namespace: changes.namespace ?? 'argo',
    creationTimestamp: '2026-01-01T00:00:00Z',
    labels: changes.labels ?? { team: 'a' },
  },
  spec: { entrypoint: 'main', arguments: { parameters: [{ name: 'p', value: 'v' }] } },
  status: {
    phase: changes.phase ?? 'Succeeded',
    message: changes.message ?? '',
    startedAt: changes.startedAt ?? '2026-01-01T00:00:01Z',
    finishedAt: changes.finishedAt ?? '2026-01-01T00:00:02Z',
    nodes: { n: { id: 'n', name: 'n', type: 'Pod', phase: 'Succeeded' } },
  },
});

/** Registers the tests of an archive; `open` is called once, the tests clean up after themselves. */
export function archiveStoreContract(name: string, open: () => ArchiveStoreUnderTest, isThere = true): void {
  const write = (uid: string, changes: Changes = {}, version = 1) =>
    open().archive.upsert({ workflow: workflow(uid, changes), version, nowMs: NOW_MS, createdAtMs: NOW_MS });
  const names = async (query: ArchiveQuery): Promise<(string | undefined)[]> =>
    (await open().archive.list(query)).workflows.map(({ metadata }) => metadata.name);
  const selected = (selector: string, query: ArchiveQuery = {}) => names({ ...query, labels: parseLabelSelector(selector) });

  describe.skipIf(!isThere)(name, () => {
    it('holds exactly one row per workflow, of its latest end, however often and in whatever order it is written', async () => {
      const { archive, rowCount, fencesVersions } = open();
      const ends = [1, 2, 3].flatMap((version) => Array.from({ length: 4 }, () => version));
      const outcomes = await Promise.allSettled(
        ends.map((version) =>
          write(
            'u1',
            { message: `end ${version}`, labels: { [`v${version}`]: 'x' }, finishedAt: `2026-01-01T00:00:0${version}Z` },
            version,
          ),
        ),
      );
      for (const outcome of outcomes)
        if (outcome.status === 'rejected') expect(outcome.reason).toHaveProperty('name', 'StoreBusyError');
      await write('u1', { message: 'end 3', labels: { v3: 'x' }, finishedAt: '2026-01-01T00:00:03Z' }, 3);
      expect(await rowCount('u1')).toBe(1);
      expect((await archive.getByUid('u1'))?.status?.message).toBe('end 3');
      expect(await archive.labelKeys('argo')).toEqual(['v3']);
      if (fencesVersions) expect(await write('u1', { message: 'again' }, 3)).toBe('unchanged');
      expect(await write('u1', { message: 'end 2', finishedAt: '2026-01-01T00:00:02Z' }, 2)).toBe('unchanged');
      expect((await archive.getByUid('u1'))?.status?.message).toBe('end 3');
    });

    it('gives back U+0000 as it was, and half characters as replacements', async () => {
      const message = 'nul \u0000, text \\u0000, half \ud800, whole \u{1f600}, quote \' " \\';
      await write('u2', { message });
      const read = (await open().archive.getByUid('u2'))?.status?.message;
      expect(read).toBe('nul \u0000, text \\u0000, half \ufffd, whole \u{1f600}, quote \' " \\');
    });

    it('selects by labels in every way that Kubernetes knows, to the letter', async () => {
      await write('s1', { labels: { set: 'x', tier: 'gold', n: '7', 'a.b/c': '' } });
      await write('s2', { labels: { set: 'x', tier: 'Gold', n: '12' } });
      await write('s3', { labels: { set: 'x', tier: 'silver', n: 'many', Tier: 'gold' } });
      await write('s4', { labels: { set: 'x' } });
      const cases: [string, string[]][] = [
        ['tier=gold', ['s1']],
        ['tier==Gold', ['s2']],
        ['tier!=gold', ['s2', 's3', 's4']],
        ['tier in (gold,silver)', ['s1', 's3']],
        ['tier notin (gold,silver)', ['s2', 's4']],
        ['tier', ['s1', 's2', 's3']],
        ['!tier', ['s4']],
        ['Tier', ['s3']],
        ['n>7', ['s2']],
        ['n<8', ['s1']],
        ['n>-1,tier=gold', ['s1']],
        ['a.b/c=', ['s1']],
        ['tier=gold,n=12', []],
        ['tier,n,!Tier', ['s1', 's2']],
      ];
      for (const [selector, expected] of cases) {
        expect([selector, (await selected(`set=x,${selector}`)).sort()]).toEqual([selector, expected]);
        const count = await open().archive.count({ labels: parseLabelSelector(`set=x,${selector}`) });
        expect([selector, count]).toEqual([selector, expected.length]);
      }
      expect((await selected('tier notin (gold)', { name: { match: 'prefix', value: 's' } })).sort()).toEqual(['s2', 's3', 's4']);
      expect(await open().archive.labelValues('tier')).toEqual(['Gold', 'gold', 'silver']);
      expect(await open().archive.labelValues('Tier')).toEqual(['gold']);
    });

    it('selects by names, namespaces, phases and times', async () => {
      const labels = { batch: 'where' };
      await write('w0', { labels, name: 'build_1', startedAt: '2026-01-01T01:00:00Z', finishedAt: '2026-01-01T02:00:00Z' });
      await write('w1', { labels, name: 'build-10%', startedAt: '2026-01-01T01:00:01Z', phase: 'Failed' });
      await write('w2', { labels, name: 'Build-2', startedAt: '2026-01-01T01:00:02Z', namespace: 'other' });
      const where = (query: ArchiveQuery) => selected('batch=where', query);
      expect(await where({})).toEqual(['Build-2', 'build-10%', 'build_1']);
      expect(await names({ name: { match: 'prefix', value: 'build_' } })).toEqual(['build_1']);
      expect(await names({ name: { match: 'prefix', value: 'build' }, namespace: 'argo' })).toEqual(['build-10%', 'build_1']);
      expect(await names({ name: { match: 'contains', value: '0%' } })).toEqual(['build-10%']);
      expect(await names({ name: { match: 'exact', value: 'build-2' } })).toEqual([]);
      expect(await where({ name: { match: 'not-equal', value: 'build_1' } })).toEqual(['Build-2', 'build-10%']);
      expect(await where({ phases: ['Failed', 'Error'] })).toEqual(['build-10%']);
      expect(await where({ notNamespace: 'argo' })).toEqual(['Build-2']);
      expect(await where({ startedAfterMs: Date.UTC(2026, 0, 1, 1), startedBeforeMs: Date.UTC(2026, 0, 1, 1, 0, 2) })).toEqual([
        'build-10%',
      ]);
      expect(await where({ finishedBeforeMs: Date.UTC(2026, 0, 1, 1) })).toEqual(['Build-2', 'build-10%']);
      expect(await where({ createdAfterMs: NOW_MS - 10_000 })).toHaveLength(3);
      expect(await where({ createdAfterMs: NOW_MS + 10_000 })).toEqual([]);
      expect(await where({ without: ['w1', 'x'] })).toEqual(['Build-2', 'build_1']);
    });

    it('gives pages by key and by offset, none twice and none left out, also of those of one second', async () => {
      const labels = { batch: 'pages' };
      const all = Array.from({ length: 13 }, (_, index) => `p${String(index).padStart(2, '0')}`);
      for (const uid of all)
        await write(uid, { labels, startedAt: `2026-01-01T04:00:0${Math.floor(Number(uid.slice(1)) / 6)}Z` });
      const query: ArchiveQuery = { labels: parseLabelSelector('batch=pages'), limit: 4 };
      const seen: (string | undefined)[] = [];
      let page = await open().archive.list(query);
      for (;;) {
        seen.push(...page.workflows.map(({ metadata }) => metadata.uid));
        if (page.next === undefined) break;
        page = await open().archive.list({ ...query, after: page.next });
      }
      expect(seen).toEqual([...all].reverse());
      expect(await names({ ...query, offset: 9 })).toEqual(['p03', 'p02', 'p01', 'p00']);
      expect(await open().archive.count(query)).toBe(13);
      expect(await open().archive.count(query, 5)).toBe(5);
      const byTime = await names({ startedAfterMs: Date.UTC(2026, 0, 1, 3), startedBeforeMs: Date.UTC(2026, 0, 1, 5), limit: 3 });
      expect(byTime).toEqual(['p12', 'p11', 'p10']);
    });

    it('lists parts of workflows and gives whole ones', async () => {
      await write('whole', { message: 'done' });
      const [listed] = (await open().archive.list({ name: { match: 'exact', value: 'whole' } })).workflows;
      expect(listed).toEqual({
        apiVersion: 'argoproj.io/v1alpha1',
        kind: 'Workflow',
        metadata: workflow('whole').metadata,
        spec: { arguments: { parameters: [{ name: 'p', value: 'v' }] } },
        status: { phase: 'Succeeded', message: 'done', startedAt: '2026-01-01T00:00:01Z', finishedAt: '2026-01-01T00:00:02Z' },
      });
      expect(await open().archive.getByUid('whole')).toEqual(workflow('whole', { message: 'done' }));
      expect(await open().archive.getByUid('WHOLE')).toBeUndefined();
      expect(await open().archive.getByName('argo', 'nobody')).toBeUndefined();
    });

    it('finds the latest of a name, deletes by uid and by age with the labels', async () => {
      const { archive } = open();
      await write('n1', { name: 'same', startedAt: '2026-01-01T05:00:00Z', labels: { only: 'n1' } });
      await write('n2', { name: 'same', startedAt: '2026-01-01T04:00:00Z' });
      expect((await archive.getByName('argo', 'same'))?.metadata.uid).toBe('n1');
      expect(await archive.delete('n1')).toBe(true);
      expect(await archive.delete('n1')).toBe(false);
      expect(await archive.labelKeys()).not.toContain('only');
      expect((await archive.getByName('argo', 'same'))?.metadata.uid).toBe('n2');
      await write('late', { finishedAt: '2026-01-01T09:00:00Z', labels: { stays: 'here' } });
      const cutMs = Date.UTC(2026, 0, 1, 8);
      expect(await archive.deleteFinishedBefore(cutMs, 2)).toBe(2);
      while ((await archive.deleteFinishedBefore(cutMs, 100)) === 100);
      expect(await names({})).toEqual(['late']);
      expect(await archive.labelKeys()).toEqual(['stays']);
    });
  });
}
