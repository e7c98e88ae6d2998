import { expect, it } from 'vitest';
import type { Resource } from '#libs/resources';
import { NotFoundError } from '#libs/workflow-spec';
import { collectOrphans, OWNER_LABEL } from './owned-objects.js';

const object = (kind: string, name: string, owner: string): Resource => ({
  apiVersion: 'v1',
  kind,
  metadata: { name, namespace: 'team', labels: { [OWNER_LABEL]: owner } },
});

it('deletes what belonged to workflows that are gone or going, and leaves the rest', async () => {
  const objects = [
    object('ConfigMap', 'kept', 'lives'),
    object('ConfigMap', 'orphan', 'gone'),
    object('Pod', 'far', 'gone'),
    object('Secret', 'taken', 'gone'),
  ];
  const deleted: string[] = [];
  const count = await collectOrphans({
    resources: { list: async (kind) => ({ items: objects.filter((item) => item.kind === kind), resourceVersion: '1' }) },
    workflows: {
      listPage: async () =>
        ({ rows: [{ uid: 'c', namespace: 'team', name: 'child', labels: { [OWNER_LABEL]: 'going' } }] }) as never,
      getManyByUid: async (uids) =>
        [
          { uid: 'lives', deletedAtMs: null },
          { uid: 'going', deletedAtMs: 5 },
        ].filter(({ uid }) => uids.includes(uid)) as never,
    },
    accessTo: ({ kind }) =>
      kind === 'Pod'
        ? undefined
        : {
            delete: async ({ name }) => {
              if (name === 'taken') throw new NotFoundError('gone already');
              deleted.push(`${kind} ${name}`);
            },
          },
  });
  expect(deleted).toEqual(['ConfigMap orphan', 'Workflow child']);
  expect(count).toBe(2);
});
