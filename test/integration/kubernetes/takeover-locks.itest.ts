import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createStore, type Store } from '#libs/store';
import { eventually, kubernetesCluster, type TestCluster } from '#libs/testing';
import type { Workflow } from '#libs/workflow-spec';
import { finished } from './argo-objects.js';
import { PlayedCluster, UNSCHEDULED } from './played-cluster.js';

const found = await kubernetesCluster({ nodes: false });
/** What a dump of our database holds of workflows. */
const TABLES = [
  ...['workflows', 'workflow_state', 'workflow_nodes', 'workflow_inbox', 'pods', 'pod_status', 'record_marks', 'handoffs'],
  ...['locks', 'lock_waiters', 'lock_limits'],
];
/** So many objects stand in a list between those that matter that locks are looked after more than once meanwhile. */
const BETWEEN = 60;

const wanting = (name: string, mutex: string, priority = 0) => ({
  workflow: {
    ...{ apiVersion: 'argoproj.io/v1alpha1', kind: 'Workflow', metadata: { name } },
    spec: {
      ...{ entrypoint: 'main', schedulerName: UNSCHEDULED, priority },
      templates: [
        {
          name: 'main',
          synchronization: { mutexes: [{ name: mutex }] },
          container: { image: 'sim', command: ['sim'], args: ['result=x'] },
        },
      ],
    },
  } as Workflow,
  pods: [],
});
const holds = ({ status }: Workflow): boolean => (status?.synchronization?.mutex?.holding?.length ?? 0) > 0;
const waits = ({ status }: Workflow): boolean => JSON.stringify(status ?? {}).includes('Waiting for');

describe.skipIf('skipped' in found)(
  `locks after our database was put back to an older state ${'skipped' in found ? `(${found.skipped})` : ''}`,
  () => {
    let played: PlayedCluster;
    let store: Store;
    const run = (text: string): Promise<object[]> => store.database.run({ text });
    const inTurn = async (each: (table: string) => string): Promise<void> => {
      for (const table of TABLES) await run(each(table));
    };
    const holders = async (): Promise<string[]> => {
      const rows = await store.database.run<{ held: string }>({
        text: `SELECT w.name || ' ' || replace(l.name, w.namespace || '/', '') AS held FROM locks l JOIN workflows w ON w.uid = l.workflow ORDER BY 1`,
      });
      return rows.map(({ held }) => held);
    };
    const create = async (name: string, mutex: string, until: (workflow: Workflow) => boolean, priority = 0): Promise<void> => {
      played.kubelet.held.add(name);
      await played.leave(wanting(name, mutex, priority));
      await played.until(name, until);
    };

    beforeAll(async () => {
      played = await PlayedCluster.prepare(found as TestCluster, 'locks');
      store = createStore({ connection: played.database.connection, clock: { nowMs: () => Date.now() } });
      await store.waitUntilReady(10_000);
    });
    afterAll(async () => {
      await played.stop();
      await store.close();
      await played.release();
    });

    it('are held by those whose objects say so, before anybody who waited gets one', async () => {
      const { kubelet } = played;
      kubelet.start();
      await played.start();
      await create('a-first', 'm', holds);
      await create('z-second', 'm', waits);
      await create('c-third', 'm', waits);
      await create('b-former', 'n', holds);
      await create('d-waiting', 'n', waits);
      await inTurn((table) => `CREATE TABLE kept_${table} AS SELECT * FROM ${table}`);

      await create('y-later', 'n', waits, 10);
      for (const name of ['a-first', 'b-former']) {
        kubelet.held.delete(name);
        await played.until(name);
      }
      for (const name of ['z-second', 'y-later']) {
        await played.until(name, holds);
        await eventually(async () => Object.keys(await played.podsByNode(name)).length === 1, `${name} runs`);
      }
      const pods = { second: await played.podsByNode('z-second'), later: await played.podsByNode('y-later') };
      await played.stop();
      await inTurn((table) => `DELETE FROM ${table}`);
      await inTurn((table) => `INSERT INTO ${table} SELECT * FROM kept_${table}`);
      await Promise.all(Array.from({ length: BETWEEN }, (_, at) => played.leave(finished(`m-${at}`, 'Archived'))));

      await played.start();
      const after = { ...wanting('zz-after', 'o') };
      kubelet.held.delete('zz-after');
      await played.leave(after);
      expect((await played.until('zz-after')).status?.phase).toBe('Succeeded');
      await eventually(async () => (await holders()).includes('z-second Mutex/m'), 'what objects say is in the tables');
      for (const name of ['c-third', 'd-waiting']) expect([name, await played.podsByNode(name)]).toEqual([name, {}]);
      expect(await holders()).toEqual(['y-later Mutex/n', 'z-second Mutex/m']);

      kubelet.held.clear();
      const ends: Record<string, Workflow> = {};
      for (const name of ['a-first', 'b-former', 'z-second', 'y-later', 'c-third', 'd-waiting'])
        ends[name] = await played.until(name);
      expect(Object.entries(ends).filter(([, { status }]) => status?.phase !== 'Succeeded')).toEqual([]);
      expect(await played.podsByNode('z-second')).toEqual(pods.second);
      expect(await played.podsByNode('y-later')).toEqual(pods.later);
      for (const name of Object.keys(ends)) {
        const uids = Object.values(await played.podsByNode(name));
        expect([name, uids.map((each) => each.length)]).toEqual([name, [1]]);
      }
      await eventually(async () => (await holders()).length === 0, 'all locks are given back');
    }, 120_000);
  },
);
