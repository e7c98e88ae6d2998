import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Resource, ResourceEvent, ResourceStore } from '#libs/resources';

const object = (
  name: string,
  changes: { namespace?: string; labels?: Record<string, string>; spec?: Resource[string]; kind?: string } = {},
) =>
  ({
    apiVersion: 'argoproj.io/v1alpha1',
    kind: changes.kind ?? 'WorkflowTemplate',
    metadata: {
      name,
      namespace: changes.namespace ?? 'lab',
      ...(changes.labels === undefined ? {} : { labels: changes.labels }),
    },
    spec: changes.spec ?? { entrypoint: 'main' },
  }) satisfies Resource;

const key = (name: string, namespace = 'lab') => ({ kind: 'WorkflowTemplate', namespace, name });
const code = (grpcCode: number) => expect.objectContaining({ grpcCode }) as unknown;

/** Reads events until there are as many as asked for. */
const take = async (events: AsyncIterable<ResourceEvent>, count: number): Promise<ResourceEvent[]> => {
  const taken: ResourceEvent[] = [];
  for await (const event of events) {
    taken.push(event);
    if (taken.length === count) break;
  }
  return taken;
};
/** Reads events up to and with one of these. */
const takeUntil = async (events: AsyncIterable<ResourceEvent>, last: string): Promise<string[]> => {
  const taken: string[] = [];
  for await (const event of events) {
    taken.push(...summary([event]));
    if (taken.at(-1) === last) break;
  }
  return taken;
};
const summary = (events: ResourceEvent[]): string[] => events.map(({ type, object: { metadata } }) => `${type} ${metadata.name}`);

/** What every ResourceStore does; `createStore` gives an empty one. */
export const resourceStoreContract = (adapter: string, createStore: () => Promise<ResourceStore>): void => {
  describe(`ResourceStore: ${adapter}`, () => {
    let store: ResourceStore;
    let ending: AbortController;

    beforeEach(async () => {
      store = await createStore();
      ending = new AbortController();
    });
    afterEach(() => ending.abort());

    it('creates an object with uid, creation time and version, and gives it back', async () => {
      const created = await store.create(object('a'));
      expect(created.metadata).toMatchObject({ name: 'a', namespace: 'lab', generation: 1 });
      expect(created.metadata.uid).toMatch(/./);
      expect(created.metadata.creationTimestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
      expect(await store.get(key('a'))).toEqual(created);
    });

    it('refuses a second object of one name, and an unknown name, in Kubernetes’ words', async () => {
      await store.create(object('a'));
      await expect(store.create(object('a'))).rejects.toEqual(code(6));
      await expect(store.create(object('a'))).rejects.toThrow('workflowtemplates.argoproj.io "a" already exists');
      await expect(store.get(key('b'))).rejects.toThrow('workflowtemplates.argoproj.io "b" not found');
      await expect(store.get(key('a', 'other'))).rejects.toEqual(code(5));
      await expect(store.delete(key('b'))).rejects.toEqual(code(5));
    });

    it('replaces an object, keeps its identity, and counts generations of the spec', async () => {
      const created = await store.create(object('a'));
      const changed = await store.update(object('a', { spec: { entrypoint: 'other' } }));
      expect(changed.metadata).toMatchObject({
        uid: created.metadata.uid,
        creationTimestamp: created.metadata.creationTimestamp,
        generation: 2,
      });
      const labelled = await store.update(object('a', { spec: { entrypoint: 'other' }, labels: { team: 'red' } }));
      expect(labelled.metadata).toMatchObject({ generation: 2, labels: { team: 'red' } });
      await expect(store.update(object('b'))).rejects.toEqual(code(5));
    });

    it('lets only one of two writers win who read the same version', async () => {
      const read = await store.create(object('a'));
      await store.update({ ...read, spec: { entrypoint: 'first' } });
      await expect(store.update({ ...read, spec: { entrypoint: 'second' } })).rejects.toEqual(code(10));
      expect((await store.get(key('a')))['spec']).toEqual({ entrypoint: 'first' });
    });

    it('lists a namespace or all of them, in order, by labels and in pages', async () => {
      for (const name of ['c', 'a', 'b']) await store.create(object(name, { labels: { team: name === 'b' ? 'blue' : 'red' } }));
      await store.create(object('d', { namespace: 'other', labels: { team: 'red' } }));
      const names = async (namespace: string, labelSelector?: string): Promise<string[]> =>
        (await store.list('WorkflowTemplate', namespace, labelSelector === undefined ? {} : { labelSelector })).items.map(
          ({ metadata }) => metadata.name,
        );
      expect(await names('lab')).toEqual(['a', 'b', 'c']);
      expect(await names('')).toEqual(['a', 'b', 'c', 'd']);
      expect(await names('', 'team=red')).toEqual(['a', 'c', 'd']);
      const seen: string[] = [];
      let continueToken: string | undefined;
      do {
        const page = await store.list('WorkflowTemplate', '', {
          limit: 3,
          ...(continueToken === undefined ? {} : { continueToken }),
        });
        seen.push(...page.items.map(({ metadata }) => metadata.name));
        continueToken = page.continueToken;
      } while (continueToken !== undefined);
      expect(seen).toEqual(['a', 'b', 'c', 'd']);
      await expect(store.list('WorkflowTemplate', '', { continueToken: 'nonsense' })).rejects.toEqual(code(3));
    });

    it('watches what happens from now on', async () => {
      await store.create(object('before'));
      const { resourceVersion } = await store.list('WorkflowTemplate', 'lab');
      const events = takeUntil(store.watch('WorkflowTemplate', 'lab', { resourceVersion, signal: ending.signal }), 'ADDED b');
      await store.create(object('a'));
      await store.create(object('elsewhere', { namespace: 'other' }));
      await store.create(object('a', { kind: 'CronWorkflow' }));
      await store.update(object('before', { spec: { entrypoint: 'other' } }));
      await store.delete(key('before'));
      await store.create(object('b'));
      const seen = await events;
      // Changes of one object between two looks are merged, so `before` may or may not be told as modified first.
      expect(seen.filter((event) => event !== 'MODIFIED before')).toEqual(['ADDED a', 'DELETED before', 'ADDED b']);
    }, 15_000);

    it('tells a watcher from an older version everything since, deletions included', async () => {
      const { resourceVersion } = await store.list('WorkflowTemplate', '');
      await store.create(object('a'));
      await store.create(object('b'));
      await store.update(object('b', { labels: { changed: 'yes' } }));
      await store.delete(key('a'));
      const last = new Map<string, ResourceEvent>();
      const order: string[] = [];
      for await (const event of store.watch('WorkflowTemplate', '', { resourceVersion, signal: ending.signal })) {
        order.push(...summary([event]));
        last.set(event.object.metadata.name, event);
        if (order.at(-1) === 'DELETED a') break;
      }
      // Every change is told, or only the last state of an object; both are allowed.
      expect(order.filter((event) => event !== 'MODIFIED b').sort()).toEqual(['ADDED a', 'ADDED b', 'DELETED a']);
      expect(order.indexOf('ADDED a')).toBeLessThan(order.indexOf('DELETED a'));
      expect(last.get('b')?.object.metadata.labels).toEqual({ changed: 'yes' });
    });

    it('ends a watch when its signal aborts', async () => {
      const ended = take(store.watch('WorkflowTemplate', '', { signal: ending.signal }), 1);
      ending.abort();
      expect(await ended).toEqual([]);
    });

    it('keeps a Secret’s content out of every error', async () => {
      const secret = {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: 'Bad Name', namespace: 'lab' },
        data: { password: 'aHVudGVyMg==' },
      };
      const named = { ...secret, metadata: { name: 'good', namespace: 'lab' } };
      await store.create(named);
      for (const attempt of [
        () => store.create(secret),
        () => store.create(named),
        () => store.update({ ...named, metadata: { name: 'none' } }),
      ]) {
        const error: unknown = await attempt().catch((reason: unknown) => reason);
        expect(error).toBeInstanceOf(Error);
        expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain('aHVudGVyMg');
      }
    });
  });
};
