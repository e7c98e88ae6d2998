import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import * as fc from 'fast-check';

import { type InboxEntry } from '#libs/engine';
import { eventually, postgresTemplate, type TestDatabase } from '#libs/testing';

import { type CommitOutcome, createStore, type LockWant, type ParallelismLimits, type Store } from '../index.js';

let database: TestDatabase;
let stores: [Store, Store];
let nowMs = 1000;

const names = { next: 0 };
const workflow = async (namespace = 'argo', createdAtMs = nowMs): Promise<string> => {
  names.next += 1;
  const name = `w${names.next}`;
  const uid = `uid-${names.next}`;
  const metadata = { name, namespace, uid, creationTimestamp: '2024-01-01T00:00:00Z' };
  await stores[0].workflows.insert({ submitted: { metadata, spec: {} }, createdAtMs });
  return uid;
};

const nameOf = (uid: string): string => uid.replace('uid-', 'w');

beforeAll(async () => {
  database = await postgresTemplate();
  const options = { connection: database.connection, clock: { nowMs: () => nowMs } };
  stores = [createStore(options), createStore(options)];
});
afterAll(async () => {
  await Promise.all(stores.map((store) => store.close()));
  await database.drop();
});
beforeEach(async () => {
  nowMs += 1000;
  for (const table of ['locks', 'lock_waiters', 'lock_limits', 'admission', 'workflow_inbox', 'workflow_state', 'workflows'])
    await stores[0].database.run({ text: `DELETE FROM ${table}` });
});

const want = (holder: string, locks: Record<string, number>, priority = 0): LockWant => ({
  holder,
  attempt: 1,
  priority,
  locks: Object.entries(locks).map(([name, limit]) => ({ name, shown: name, kind: 'mutex', limit })),
});

const commit = async (
  uid: string,
  changes: { wants?: LockWant[]; releases?: string[] | 'all'; store?: Store },
): Promise<CommitOutcome> => {
  const store = changes.store ?? stores[0];
  for (;;) {
    const state = await store.workflowState.loadInbox(uid, { limit: 1 });
    const outcome = await store.workflowState.commit({
      uid,
      expectedVersion: state?.version ?? 0,
      locks: { wants: changes.wants ?? [], releases: changes.releases ?? [] },
      nowMs,
    });
    if (outcome.committed) return outcome;
  }
};

/** What is told to a workflow, in order, and taken off its inbox. */
const told = async (uid: string): Promise<string[]> => {
  const entries: InboxEntry[] = await stores[0].inbox.read(uid, 1000);
  await stores[0].database.run({ text: 'DELETE FROM workflow_inbox WHERE workflow = $1', values: [uid] });
  return entries.map((entry) => {
    if (entry.kind === 'admission') return entry.admitted ? 'admitted' : 'postponed';
    if (entry.kind !== 'lock') return entry.kind;
    const { answer } = entry;
    return answer.outcome === 'granted'
      ? `${answer.holder} granted`
      : `${answer.holder} waits for ${answer.lock.shown} ${answer.free}/${answer.limit} held by ${answer.holders.join()}`;
  });
};
const holders = async (): Promise<string[]> =>
  (await stores[0].database.run<{ held: string }>({ text: `SELECT name || ':' || workflow AS held FROM locks ORDER BY 1` })).map(
    ({ held }) => held,
  );

describe('locks', () => {
  it('are granted in the commit that asks for them, and told to those who wait', async () => {
    const [first, second] = [await workflow(), await workflow()];
    expect(await commit(first, { wants: [want('', { m: 1 })] })).toMatchObject({ committed: true, wake: [first] });
    await commit(second, { wants: [want('n1', { m: 1 })] });
    expect([await told(first), await told(second)]).toEqual([[' granted'], [`n1 waits for m 0/1 held by argo/${nameOf(first)}`]]);
    expect(await commit(first, { releases: [''] })).toMatchObject({ wake: [second] });
    expect([await told(second), await holders()]).toEqual([['n1 granted'], [`m:${second}`]]);
  });

  it('go by priority, then by the creation of the workflow, then by who asked first', async () => {
    const [holder, young, old, urgent] = [
      await workflow(),
      await workflow('argo', 500),
      await workflow('argo', 100),
      await workflow(),
    ];
    await commit(holder, { wants: [want('', { m: 1 })] });
    await commit(young, { wants: [want('b', { m: 1 }), want('a', { m: 1 })] });
    await commit(old, { wants: [want('', { m: 1 })] });
    await commit(urgent, { wants: [want('', { m: 1 }, 5)] });
    const order: string[] = [];
    for (const [uid, name] of [
      [holder, ''],
      [urgent, ''],
      [old, ''],
      [young, 'b'],
      [young, 'a'],
    ] as const) {
      order.push(...(await holders()));
      await commit(uid, { releases: [name] });
    }
    expect(order).toEqual([`m:${holder}`, `m:${urgent}`, `m:${old}`, `m:${young}`, `m:${young}`]);
    expect(await holders()).toEqual([]);
  });

  it('are given all or none, and nobody overtakes a claim that waits for several', async () => {
    const [first, both, late] = [await workflow(), await workflow(), await workflow('argo', nowMs + 5)];
    await commit(first, { wants: [want('', { a: 1 })] });
    await commit(both, { wants: [want('', { b: 1, a: 1 })] });
    await commit(late, { wants: [want('', { b: 1 })] });
    expect([await told(both), await told(late)]).toEqual([
      [` waits for a 0/1 held by argo/${nameOf(first)}`],
      [' waits for b 1/1 held by '],
    ]);
    const { wake } = (await commit(first, { releases: 'all' })) as { wake: string[] };
    expect([wake, await holders()]).toEqual([[both], [`a:${both}`, `b:${both}`]]);
    await commit(both, { releases: [''] });
    expect(await holders()).toEqual([`b:${late}`]);
  });

  it('reach claims whose other lock was out of sight', async () => {
    const [x, y, both] = [await workflow(), await workflow(), await workflow()];
    await commit(x, { wants: [want('', { a: 1 })] });
    await commit(y, { wants: [want('', { b: 1 })] });
    await commit(both, { wants: [want('', { a: 1, b: 1 })] });
    await commit(x, { releases: [''] });
    expect(await holders()).toEqual([`b:${y}`]);
    const { wake } = (await commit(y, { releases: [''] })) as { wake: string[] };
    expect([wake, await holders()]).toEqual([[both], [`a:${both}`, `b:${both}`]]);
  });

  it('let a workflow that holds one pass a claim that waits for it', async () => {
    const [outer, both, stranger] = [await workflow('argo', 30), await workflow('argo', 10), await workflow('argo', 20)];
    await commit(outer, { wants: [want('', { a: 1 })] });
    await commit(both, { wants: [want('', { a: 1, b: 1 })] });
    await commit(stranger, { wants: [want('', { b: 1 })] });
    expect(await holders()).toEqual([`a:${outer}`]);
    await commit(outer, { wants: [want('step', { b: 1 })] });
    expect(await holders()).toEqual([`a:${outer}`, `b:${outer}`]);
    await commit(outer, { releases: 'all' });
    expect(await holders()).toEqual([`a:${both}`, `b:${both}`]);
  });

  it('write nothing where the fence does not hold', async () => {
    const uid = await workflow();
    const outcome = await stores[0].workflowState.commit({
      uid,
      expectedVersion: 7,
      locks: { wants: [want('', { m: 1 })], releases: [] },
      nowMs,
    });
    expect([outcome.committed, await holders(), await told(uid)]).toEqual([false, [], []]);
  });

  it('follow a limit that is changed, and hold what a lowered one leaves', async () => {
    const uids = [await workflow(), await workflow(), await workflow()];
    for (const uid of uids) await commit(uid, { wants: [want('', { s: 1 })] });
    expect(await stores[1].locks.setLimit('s', 2, nowMs)).toEqual([uids[1]]);
    expect(await stores[1].locks.setLimit('s', 1, nowMs)).toEqual([]);
    await commit(uids[0] ?? '', { releases: [''] });
    expect(await holders()).toEqual([`s:${uids[1]}`]);
    await commit(uids[1] ?? '', { releases: [''] });
    expect(await holders()).toEqual([`s:${uids[2]}`]);
  });

  it('of workflows that are gone are freed, and forgotten when nobody wants them', async () => {
    const [gone, waiting] = [await workflow(), await workflow()];
    await commit(gone, { wants: [want('', { m: 1 })] });
    await commit(waiting, { wants: [want('', { m: 1 })] });
    await stores[0].database.run({ text: 'DELETE FROM workflow_state WHERE uid = $1', values: [gone] });
    await stores[0].database.run({ text: 'DELETE FROM workflows WHERE uid = $1', values: [gone] });
    expect(await stores[0].locks.ofEndedWorkflows()).toEqual([gone]);
    expect(await stores[0].locks.releaseAll(gone, nowMs)).toEqual([waiting]);
    expect([await stores[0].locks.ofEndedWorkflows(), await stores[0].locks.forgetIdle(nowMs + 1)]).toEqual([[], 0]);
    await commit(waiting, { releases: [''] });
    expect(await stores[0].locks.forgetIdle(nowMs + 1)).toBe(1);
  });

  it('are not told to be granted to a claim that a takeover takes back meanwhile', async () => {
    const [holder, waiter] = [await workflow(), await workflow()];
    await commit(holder, { wants: [want('', { m: 1 })] });
    await commit(waiter, { wants: [want('', { m: 1 })] });
    await told(waiter);
    let releasing: Promise<CommitOutcome> | undefined;
    // As `overtake` does, up to its end.
    await stores[0].database.transaction(async (tx) => {
      await tx.run({ text: 'DELETE FROM lock_waiters WHERE workflow = $1', values: [waiter] });
      releasing = commit(holder, { releases: [''], store: stores[1] });
      await eventually(async () => {
        const text = `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%granted AS (%'`;
        return (await stores[0].database.run({ text })).length > 0;
      }, 'the grant meets the claim that is being taken back');
    });
    expect(await releasing).toMatchObject({ committed: true, wake: [] });
    expect([await told(waiter), await holders()]).toEqual([[], []]);
  });

  it('of a workflow that is taken over are held from its first row on, whoever asks at the same time and whatever sweeps', async () => {
    const waiter = await workflow('argo', 1);
    const metadata = { name: 'taken', namespace: 'argo', uid: 'uid-taken', creationTimestamp: '2024-01-01T00:00:00Z' };
    const header = { engineLevel: 1, status: { phase: 'Running' as const }, labels: {}, annotations: {}, internal: {} };
    const found = { header, nodes: [], locks: [{ name: 'm', holder: 'n1' }], shownVersion: 0, expiresAtMs: null };
    const meanwhile: Promise<unknown>[] = [];
    // The takeover stops after it has the row of the lock, before its end; who asks comes in between.
    await stores[0].database.transaction(async (tx) => {
      await tx.run({ text: 'LOCK TABLE archive_marks IN ACCESS EXCLUSIVE MODE' });
      meanwhile.push(
        stores[1].takeover.import({
          ...{ workflow: { submitted: { metadata, spec: {} }, createdAtMs: nowMs, instanceId: '', hasClusterObject: true } },
          ...{ ...found, handoffs: [], isArchived: true, nowMs },
        }),
      );
      const blocked = (text: string) => async (): Promise<boolean> =>
        (
          await stores[0].database.run({
            text: `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE $1`,
            values: [text],
          })
        ).length > 0;
      await eventually(blocked('%INTO archive_marks%'), 'the takeover waits');
      meanwhile.push(commit(waiter, { wants: [want('', { m: 1 })] }));
      await eventually(blocked('%INTO lock_limits%'), 'who asks waits for the takeover');
    });
    expect(await Promise.all(meanwhile)).toMatchObject(['imported', { committed: true }]);
    expect([await told(waiter), await holders()]).toEqual([[' waits for m 0/1 held by argo/taken/n1'], ['m:uid-taken']]);
    expect(await stores[1].locks.ofEndedWorkflows()).toEqual([]);
    expect([await stores[1].locks.withRoom(), await stores[1].locks.setLimit('m', 1, nowMs)]).toEqual([[], []]);
    await stores[1].locks.forgetIdle(nowMs + 1);
    expect(await holders()).toEqual(['m:uid-taken']);
    await stores[1].database.run({ text: 'DELETE FROM archive_marks' });
  });

  it('never have more holders than their limit, whatever two schedulers do at once, and end with none', async () => {
    const limits = { a: 1, b: 2, c: 3 };
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.subarray(['a', 'b', 'c'], { minLength: 1 }), { minLength: 4, maxLength: 10 }),
        async (claims) => {
          await stores[0].database.run({ text: 'DELETE FROM workflow_inbox' });
          const uids = await Promise.all(claims.map(() => workflow()));
          let most = 0;
          const play = async (uid: string, at: number): Promise<void> => {
            const store = stores[at % 2] as Store;
            const wanted = Object.fromEntries((claims[at] ?? []).map((name) => [name, limits[name as keyof typeof limits]]));
            await commit(uid, { store, wants: [want('', wanted)] });
            const deadline = Date.now() + 20_000;
            for (;;) {
              const [entry] = await store.database.run<{ body: { outcome: string } }>({
                text: `SELECT body FROM workflow_inbox WHERE workflow = $1 AND body->>'outcome' = 'granted'`,
                values: [uid],
              });
              if (entry !== undefined) break;
              if (Date.now() > deadline) throw new Error(`${uid} never got ${JSON.stringify(wanted)}`);
            }
            const over = await store.database.run<{ name: string }>({
              text: `SELECT l.name FROM lock_limits l WHERE (SELECT count(*) FROM locks k WHERE k.name = l.name) > l.size_limit`,
            });
            most = Math.max(most, over.length);
            await commit(uid, { store, releases: [''] });
          };
          await Promise.all(uids.map(play));
          expect([most, await holders()]).toEqual([0, []]);
          expect(await stores[0].database.run({ text: 'SELECT 1 FROM lock_waiters' })).toEqual([]);
        },
      ),
      { numRuns: 8 },
    );
  }, 120_000);
});

describe('admission', () => {
  const ask = async (uid: string, limits: ParallelismLimits, change: { want?: { priority: number }; leave?: boolean }) => {
    const state = await stores[0].workflowState.loadInbox(uid, { limit: 1 });
    return stores[0].workflowState.commit({ uid, expectedVersion: state?.version ?? 0, admission: { ...change, limits }, nowMs });
  };
  const want0 = { want: { priority: 0 } };

  it('lets as many run as the limits say, by priority and age; a full namespace holds back only its own', async () => {
    const limits = { controller: 3, namespace: 2, byNamespace: { wide: 0 } };
    const [a1, a2, a3] = [await workflow('a'), await workflow('a'), await workflow('a')];
    const [wide1, wide2] = [await workflow('wide', 5), await workflow('wide', 4)];
    for (const uid of [a1, a2, a3, wide1]) await ask(uid, limits, want0);
    await ask(wide2, limits, { want: { priority: 1 } });
    expect([await told(a1), await told(a2), await told(a3), await told(wide1), await told(wide2)]).toEqual([
      ['admitted'],
      ['admitted'],
      ['postponed'],
      ['admitted'],
      ['postponed'],
    ]);
    expect(await ask(a1, limits, { leave: true })).toMatchObject({ wake: [wide2] });
    expect(await ask(wide1, limits, { leave: true })).toMatchObject({ wake: [a3] });
  });

  it('follows limits that change, counts what ran before, and forgets what has ended', async () => {
    const [before, waiting, gone] = [await workflow(), await workflow(), await workflow()];
    await stores[0].database.run({ text: `UPDATE workflow_state SET phase = 'Running' WHERE uid = $1`, values: [before] });
    const one = { controller: 1, byNamespace: {} };
    await ask(gone, one, want0);
    expect(await stores[0].admission.settle(one, nowMs)).toEqual([]);
    await ask(waiting, one, want0);
    await stores[0].database.run({ text: 'UPDATE workflow_state SET completed = true WHERE uid = $1', values: [gone] });
    expect(await stores[0].admission.settle(one, nowMs)).toEqual([]);
    expect(await stores[0].admission.settle({ byNamespace: {} }, nowMs)).toEqual([waiting]);
  });

  it('never lets more run than the limits say, whatever two schedulers do at once, and lets everybody run', async () => {
    const limits = { controller: 3, namespace: 2, byNamespace: { narrow: 1 } };
    const uids = await Promise.all(Array.from({ length: 14 }, (_, index) => workflow(['a', 'b', 'narrow'][index % 3])));
    const over = async (store: Store): Promise<number> => {
      const rows = await store.database.run<{ namespace: string; count: number }>({
        text: 'SELECT namespace, count(*) AS count FROM admission WHERE admitted GROUP BY namespace',
      });
      const total = rows.reduce((sum, { count }) => sum + count, 0);
      return Math.max(0, total - 3, ...rows.map(({ namespace, count }) => count - (namespace === 'narrow' ? 1 : 2)));
    };
    let most = 0;
    const play = async (uid: string, at: number): Promise<void> => {
      const store = stores[at % 2] as Store;
      await ask(uid, limits, want0);
      const isIn = async (): Promise<boolean> =>
        (await store.database.run({ text: 'SELECT 1 FROM admission WHERE workflow = $1 AND admitted', values: [uid] })).length >
        0;
      const deadline = Date.now() + 20_000;
      while (!(await isIn())) if (Date.now() > deadline) throw new Error(`${uid} was never admitted`);
      most = Math.max(most, await over(store));
      await ask(uid, limits, { leave: true });
    };
    await Promise.all(uids.map(play));
    expect([most, await stores[0].database.run({ text: 'SELECT 1 FROM admission' })]).toEqual([0, []]);
  }, 60_000);
});
