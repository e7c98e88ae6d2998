import { beforeEach, describe, expect, it } from 'vitest';
import type { WorkflowRequest } from '#libs/engine';
import type { JobQueue } from '#libs/jobs';
import type { WorkflowObject, WorkflowObjects, WorkflowProjection } from '#libs/resources';
import { type NewWorkflow, type StoredWorkflow, WorkflowExistsError, type WorkflowStateRepository } from '#libs/store';
import { quietLogger } from '#libs/testing';
import { formatTime, type NodeStatus, TransientError, type Workflow } from '#libs/workflow-spec';
import { IntakeService } from './intake.service.js';
import { ObjectEdits } from './object-edits.js';
import { NodesAwayError } from './offloaded-nodes.js';
import type { TakeoverOutcome } from './takeover.service.js';

const NOW_MS = Date.UTC(2026, 0, 1);
const RUNNING = { suspend: false, shutdown: '' };

const object = (uid: string, changes: Partial<WorkflowObject> = {}, workflow: Partial<Workflow> = {}): WorkflowObject => ({
  workflow: {
    metadata: { uid, name: 'w', namespace: 'lab', creationTimestamp: formatTime(NOW_MS), ...workflow.metadata },
    spec: { entrypoint: 'main', templates: [{ name: 'main', suspend: {} }], ...workflow.spec },
    ...(workflow.status === undefined ? {} : { status: workflow.status }),
  },
  key: { uid, name: 'w', namespace: 'lab' },
  controls: RUNNING,
  knownControls: undefined,
  recordVersion: undefined,
  resourceVersion: '1',
  generation: undefined,
  writtenOver: undefined,
  installation: undefined,
  isDeleting: false,
  hasStatus: false,
  isStatusEdited: false,
  ...changes,
});

/** Tables and a cluster in memory, as far as intake sees them. */
const world = () => {
  const rows = new Map<string, { workflow: NewWorkflow; deleted: boolean }>();
  const there = new Map<string, string>();
  const requests = new Map<string, WorkflowRequest>();
  const projections: WorkflowProjection[] = [];
  const released: string[] = [];
  const woken: string[] = [];
  const told: string[] = [];
  const taken: string[] = [];
  const confirmed: string[] = [];
  const takeovers = new Map<string, TakeoverOutcome | 'fails' | 'exists'>();
  const unreadable = new Set<string>();
  const rivals = { isAlive: false };
  const clock = { nowMs: () => world.nowMs };
  const queue: Pick<JobQueue, 'wake'> = {
    wake: (_job, payload) => Promise.resolve(void woken.push((payload as { workflow: string }).workflow)),
  };
  const headers = new Map<string, Awaited<ReturnType<WorkflowStateRepository['loadHeaders']>>[number]>();
  const stored = (uid: string): StoredWorkflow | undefined => {
    const row = rows.get(uid);
    if (row === undefined) return undefined;
    const { submitted } = row.workflow;
    return {
      uid,
      namespace: 'lab',
      name: submitted.metadata.name,
      submitted,
      deletedAtMs: row.deleted ? 1 : null,
    } as StoredWorkflow;
  };
  const objects: Pick<WorkflowObjects, 'find' | 'project' | 'release' | 'tell'> = {
    find: (_namespace, name) => {
      const uid = there.get(name);
      return Promise.resolve(uid === undefined ? undefined : object(uid));
    },
    project: (projection) => Promise.resolve((projections.push(projection), 'written' as const)),
    release: ({ uid }) => Promise.resolve(void released.push(uid)),
    tell: ({ reason }) => Promise.resolve(void told.push(reason)),
  };
  const intake = new IntakeService({
    objects,
    workflows: {
      insert: (workflow) => {
        const { uid = '', name = '' } = workflow.submitted.metadata;
        if (rows.has(uid)) return Promise.resolve('exists');
        const taken = [...rows.values()].some((row) => row.workflow.submitted.metadata.name === name);
        if (taken) return Promise.reject(new WorkflowExistsError('lab', name));
        rows.set(uid, { workflow, deleted: false });
        return Promise.resolve('inserted');
      },
      getByUid: (uid) => Promise.resolve(stored(uid)),
      getByName: (_namespace, name) =>
        Promise.resolve(stored([...rows].find(([, row]) => row.workflow.submitted.metadata.name === name)?.[0] ?? '')),
      clusterObjects: () =>
        Promise.resolve([...rows].filter(([, row]) => !row.deleted).map(([uid]) => ({ uid, namespace: 'lab', name: 'w' }))),
    },
    edits: new ObjectEdits({
      requests: {
        insert: ({ requestId, request }) => {
          const isNew = !requests.has(requestId);
          requests.set(requestId, request);
          return Promise.resolve(isNew);
        },
      },
      states: { loadHeaders: (uids) => Promise.resolve(uids.flatMap((uid) => headers.get(uid) ?? [])) },
      ...{ objects, queue, clock, logger: quietLogger },
      installation: () => Promise.resolve('ours'),
      nodesOf: ({ workflow }) => Promise.resolve(workflow.status?.nodes),
    }),
    retention: {
      markDeleted: (uid) => {
        const row = rows.get(uid);
        if (row === undefined || row.deleted) return Promise.resolve(false);
        row.deleted = true;
        return Promise.resolve(true);
      },
    },
    takeover: {
      takeOver: (found) => {
        const outcome = takeovers.get(found.key.uid) ?? 'taken';
        taken.push(found.key.uid);
        if (outcome === 'fails') return Promise.reject(new TransientError('away'));
        return outcome === 'exists' ? Promise.reject(new WorkflowExistsError('lab', 'w')) : Promise.resolve(outcome);
      },
      hasRival: () => Promise.resolve(rivals.isAlive),
      confirm: (key, shown) => {
        confirmed.push(`${key.uid} ${shown ?? 'unknown'}`);
        return unreadable.has(key.uid) ? Promise.reject(new NodesAwayError('away')) : Promise.resolve('current');
      },
    },
    queue,
    clock,
    logger: quietLogger,
  });
  return {
    rows,
    headers,
    there,
    told,
    requests,
    projections,
    released,
    woken,
    taken,
    confirmed,
    takeovers,
    rivals,
    unreadable,
    intake,
  };
};
world.nowMs = NOW_MS;

/** An object that asks for a lock, with this status. */
const wanting = (
  name: string,
  status?: Workflow['status'],
  locks: object = { synchronization: { mutexes: [{ name: 'm' }] } },
): WorkflowObject => {
  const { workflow, ...others } = object(name, { hasStatus: status !== undefined });
  const named = { ...workflow, metadata: { ...workflow.metadata, name }, spec: { ...workflow.spec, ...locks } };
  return { ...others, key: { uid: name, name, namespace: 'lab' }, workflow: { ...named, ...(status && { status }) } };
};
const holding = (name: string): WorkflowObject =>
  wanting(name, {
    phase: 'Running',
    synchronization: { mutex: { holding: [{ mutex: 'lab/Mutex/m', holder: `lab/${name}` }] } },
  });

describe('IntakeService', () => {
  beforeEach(() => {
    world.nowMs = NOW_MS;
  });

  it('takes an object in once, however often it is told', async () => {
    const { intake, rows, woken } = world();
    await intake.take(object('a'));
    await intake.take(object('a'));
    expect([...rows.values()].map(({ workflow }) => workflow.hasClusterObject)).toEqual([true]);
    expect(woken).toEqual(['a']);
  });

  it('takes in what may want a lock behind what holds one, whoever is told first', async () => {
    const { intake, taken, takeovers, rows } = world();
    takeovers.set('holder', 'exists');
    intake.begin(false);
    await intake.take(wanting('waiter', { phase: 'Running' }));
    await intake.take(wanting('new'));
    await intake.take(wanting('referring', undefined, { workflowTemplateRef: { name: 't' } }));
    await intake.take(wanting('unconcerned', undefined, {}));
    await intake.take(wanting('ended', { phase: 'Succeeded' }));
    expect([taken, [...rows.keys()]]).toEqual([['ended'], ['unconcerned']]);
    await intake.take(holding('holder'));
    await intake.removeMissing();
    await intake.retryWaiting();
    expect([taken, [...rows.keys()]]).toEqual([['ended', 'holder', 'holder'], ['unconcerned']]);
    takeovers.set('holder', 'taken');
    await intake.retryWaiting();
    await intake.retryWaiting();
    expect([taken.slice(3), [...rows.keys()]]).toEqual([
      ['holder', 'waiter'],
      ['unconcerned', 'new', 'referring'],
    ]);
  });

  it('lets nobody pass a holder whose taking in has failed and is tried again', async () => {
    const { intake, takeovers, rows } = world();
    takeovers.set('holder', 'exists');
    intake.begin(false);
    await intake.take(holding('holder'));
    await intake.removeMissing();
    takeovers.set('holder', 'fails');
    await expect(intake.take(holding('holder'))).rejects.toThrow('away');
    await intake.take(wanting('new'));
    await expect(intake.retryWaiting()).rejects.toThrow('away');
    expect([...rows.keys()]).toEqual([]);
  });

  it('takes in what Argo may have given locks to only from a list that was read when its controller had gone', async () => {
    const { intake, taken, rows, rivals } = world();
    rivals.isAlive = true;
    intake.begin(true);
    await intake.take(wanting('begun', { phase: 'Running' }));
    await intake.take(wanting('new'));
    await intake.take(wanting('unconcerned', undefined, {}));
    await intake.removeMissing();
    await intake.retryWaiting();
    expect([intake.isOutdated, taken, [...rows.keys()]]).toEqual([false, [], ['unconcerned']]);
    rivals.isAlive = false;
    await intake.retryWaiting();
    expect([intake.isOutdated, taken, [...rows.keys()]]).toEqual([true, [], ['unconcerned']]);
    // By then it had given the lock.
    intake.begin(false);
    await intake.take(wanting('new'));
    await intake.take(holding('begun'));
    await intake.removeMissing();
    await intake.retryWaiting();
    expect([intake.isOutdated, taken, [...rows.keys()]]).toEqual([false, ['begun'], ['unconcerned', 'new']]);
  });

  it('keeps what has to wait where the tables are away', async () => {
    const { intake, takeovers, taken } = world();
    takeovers.set('a', 'exists');
    await intake.take(object('a', { hasStatus: true }));
    takeovers.set('a', 'fails');
    await expect(intake.retryWaiting()).rejects.toThrow('away');
    takeovers.set('a', 'taken');
    await intake.retryWaiting();
    expect(taken).toEqual(['a', 'a', 'a']);
  });

  it('asks once for what a person has changed, and for nothing that we have written ourselves', async () => {
    const { intake, requests } = world();
    await intake.take(object('a'));
    const stopped = { suspend: false, shutdown: 'Stop' };
    await intake.take(object('a', { controls: stopped }));
    await intake.take(object('a', { controls: stopped }));
    await intake.take(object('a', { controls: stopped, knownControls: stopped, recordVersion: 3 }));
    await intake.take(object('a', { controls: { suspend: true, shutdown: 'Stop' }, knownControls: stopped, recordVersion: 3 }));
    await intake.take(object('a', { controls: stopped, knownControls: { suspend: true, shutdown: 'Stop' }, recordVersion: 4 }));
    expect([...requests.values()].map(({ type }) => type)).toEqual(['stop', 'suspend', 'unsuspend']);
  });

  it('asks once for a spec that a person has changed, also after a restart, and for none that it cannot read', async () => {
    const edited = (template: object, annotations?: Record<string, string>): WorkflowObject =>
      object(
        'a',
        {},
        {
          metadata: annotations === undefined ? {} : { annotations },
          spec: { entrypoint: 'main', templates: [{ name: 'main', ...template }] },
        },
      );
    const { intake, requests, rows } = world();
    await intake.take(object('a'));
    await intake.take(edited({ suspend: {} }));
    expect(requests.size).toBe(0);
    await intake.take(edited({ suspend: { duration: '1' } }));
    await intake.take(edited({ suspend: { duration: '1' } }));
    await intake.take(edited({ suspend: 'no object' }));
    expect([...requests.values()]).toMatchObject([
      { type: 'edit', spec: { templates: [{ name: 'main', suspend: { duration: '1' } }] } },
    ]);
    const [taken] = [...requests.values()];
    const restarted = world();
    for (const [uid, row] of rows) restarted.rows.set(uid, row);
    const digest = taken?.type === 'edit' ? taken.digest : '';
    await restarted.intake.take(edited({ suspend: { duration: '1' } }, { 'argosy.dev/spec-digest': digest }));
    expect(restarted.requests.size).toBe(0);
    await restarted.intake.take(edited({ suspend: {} }, { 'argosy.dev/spec-digest': digest }));
    expect([...restarted.requests.values()]).toMatchObject([
      { type: 'edit', spec: { templates: [{ name: 'main', suspend: {} }] } },
    ]);
  });

  /** An object in a version, whose spec must not be looked at where `unread`. */
  const inVersion = (
    version: number,
    metadata: Partial<Workflow['metadata']>,
    changes: Partial<WorkflowObject> & { unread?: true },
  ) => {
    const { unread, ...others } = changes;
    const made = object('a', { resourceVersion: String(version), ...others }, { metadata: metadata });
    const forbidden = {
      get templates(): never {
        throw new Error('the spec was looked at');
      },
    };
    return unread === undefined ? made : { ...made, workflow: { ...made.workflow, spec: forbidden } };
  };

  it('looks at no spec where nobody but us can have written, or nobody has written one', async () => {
    const { intake, requests } = world();
    await intake.take(inVersion(5, {}, { generation: 1 }));
    await intake.take(inVersion(6, {}, { generation: 2, writtenOver: '5', unread: true }), true);
    await intake.take(inVersion(7, {}, { generation: 3, writtenOver: '6', unread: true }), true);
    await intake.take(inVersion(8, { labels: { mine: 'yes' } }, { generation: 3, writtenOver: '6', unread: true }), true);
    const unsure = inVersion(10, { labels: { mine: 'yes' } }, { generation: 5, writtenOver: '8', unread: true });
    await expect(intake.take(unsure, false)).rejects.toThrow('the spec was looked at');
    const byOthers = inVersion(10, { labels: { mine: 'yes' } }, { generation: 5, writtenOver: '6', unread: true });
    await expect(intake.take(byOthers, true)).rejects.toThrow('the spec was looked at');
    expect([...requests.values()].map(({ type }) => type)).toEqual(['relabel']);
  });

  it('asks once for labels and annotations that a person has changed, and for none that we have written', async () => {
    const { intake, requests } = world();
    const state = (phase: string) => ({ 'workflows.argoproj.io/phase': phase });
    const marks = { 'argosy.dev/record-version': '1', 'workflows.argoproj.io/pod-name-format': 'v2' };
    await intake.take(inVersion(1, { labels: { team: 'red' } }, {}));
    await intake.take(inVersion(2, { labels: { team: 'red', ...state('Running') }, annotations: marks }, {}), true);
    expect(requests.size).toBe(0);
    const blue = inVersion(3, { labels: { team: 'blue', ...state('Running') }, annotations: { ...marks, note: 'n' } }, {});
    await intake.take(blue, true);
    await intake.take(blue, true);
    const given = { labels: { team: 'blue', given: 'yes', ...state('Running') }, annotations: { ...marks, note: 'n' } };
    await intake.take(inVersion(4, given, { writtenOver: '3' }), true);
    await intake.take(inVersion(5, { ...given, labels: { ...given.labels, ...state('Succeeded') } }, {}), true);
    await intake.take(inVersion(6, { ...given, labels: { team: 'red', given: 'yes' } }, {}), true);
    expect([...requests.values()]).toEqual([
      { type: 'relabel', labels: { team: 'blue', ...state('Running') }, annotations: { ...marks, note: 'n' } },
      { type: 'relabel', labels: { team: 'red', given: 'yes' }, annotations: { ...marks, note: 'n' } },
    ]);
  });

  it('asks for what a status says that somebody else has written, and for its own in place of one that was taken off', async () => {
    const { intake, requests } = world();
    const parameters = [{ name: 'answer', value: 'yes' }, { name: 'other' }];
    const gate = { id: 'w-1', type: 'Suspend', phase: 'Succeeded', outputs: { parameters } } as NodeStatus;
    const nodes = { 'w-1': gate, 'w-2': { id: 'w-2', type: 'Pod', phase: 'Failed' } as NodeStatus, 'w-3': null as never };
    const status = { phase: 'Running' as const, nodes };
    const marks = { recordVersion: 1, hasStatus: true };
    await intake.take(object('a'));
    const written = object('a', { ...marks, resourceVersion: '2', isStatusEdited: true }, { status });
    await intake.take(written, true);
    await intake.take(written, true);
    expect([...requests]).toEqual([
      [
        'object/a/restate/2',
        { type: 'restate', found: { suspensions: [{ id: 'w-1', phase: 'Succeeded', outputs: { answer: 'yes' } }] } },
      ],
    ]);
    const showsOurs = object('a', { ...marks, resourceVersion: '3', writtenOver: '2' }, { status: { phase: 'Running' } });
    await intake.take(showsOurs, true);
    await intake.take(object('a', { resourceVersion: '4' }), true);
    expect([...requests.keys()].slice(1)).toEqual(['object/a/restate/4']);
  });

  it('asks for what an ended workflow is to run again, where its object was opened again', async () => {
    const { intake, requests, headers } = world();
    await intake.take(object('a'));
    const header = { status: { phase: 'Failed' }, labels: {}, annotations: {} };
    headers.set('a', { submitted: object('a').workflow, header } as never);
    const nodes = { w: { id: 'w', type: 'Steps', phase: 'Running' } as NodeStatus };
    const written = (version: string, labels: Record<string, string>, status: object): WorkflowObject => {
      const spec = { entrypoint: 'main', arguments: { parameters: [{ name: 'a', value: 'new' }] } };
      const metadata = { uid: 'a', name: 'w', namespace: 'lab', labels };
      const changes = { recordVersion: 1, hasStatus: true, isStatusEdited: true, resourceVersion: version };
      return object('a', changes, { metadata, spec, status: { ...status, nodes } });
    };
    await intake.take(written('2', { 'workflows.argoproj.io/completed': 'true' }, { phase: 'Failed' }), true);
    await intake.take(written('3', {}, {}), true);
    const asked = [...requests].filter(([id]) => id.includes('restate')).map(([, request]) => request);
    expect(asked).toEqual([
      { type: 'restate', found: { suspensions: [] } },
      { type: 'restate', found: { suspensions: [], reopened: { nodeIds: ['w'], parameters: { a: 'new' } } } },
    ]);
  });

  it('says once that another installation writes to the same object, and only where it has seen that', async () => {
    const { intake, told } = world();
    const by = (version: number, installation: string) =>
      inVersion(version, {}, { installation, writtenOver: String(version - 1) });
    // What another one has written before: it may have gone.
    await intake.take(by(2, 'theirs'));
    await intake.take(inVersion(3, { labels: { mine: 'yes' } }, { installation: 'theirs', writtenOver: '1' }), true);
    await intake.take(by(4, 'ours'), true);
    expect(told).toEqual([]);
    await intake.take(by(5, 'theirs'), true);
    await intake.take(by(6, 'theirs'), true);
    expect(told).toEqual(['WorkflowRunTwice']);
  });

  it('asks after a restart for labels that were changed meanwhile, and for none that the rows have', async () => {
    const first = world();
    await first.intake.take(object('a'));
    const restarted = async (labels: Record<string, string>) => {
      const { intake, rows, headers, requests } = world();
      for (const [uid, row] of first.rows) rows.set(uid, row);
      const header = { engineLevel: 2, status: {}, labels: { given: 'yes' }, annotations: {}, internal: {} };
      headers.set('a', { uid: 'a', submitted: object('a').workflow, header } as never);
      await intake.take(inVersion(9, { labels }, {}));
      return [...requests.values()].map(({ type }) => type);
    };
    expect(await restarted({})).toEqual([]);
    expect(await restarted({ given: 'yes' })).toEqual([]);
    expect(await restarted({ given: 'yes', mine: 'yes' })).toEqual(['relabel']);
  });

  it('deletes what is being deleted, and what is found to be gone after a list', async () => {
    const { intake, rows, there } = world();
    await intake.take(object('a'));
    there.set('w', 'a');
    await intake.take(object('a', { isDeleting: true }));
    expect(rows.get('a')?.deleted).toBe(true);

    const other = world();
    await other.intake.take(object('b'));
    other.there.set('w', 'b');
    other.intake.begin(false);
    await other.intake.removeMissing();
    expect(other.rows.get('b')?.deleted, 'it was made after the list was read').toBe(false);
    other.there.set('w', 'a-new-one-of-the-name');
    await other.intake.removeMissing();
    expect(other.rows.get('b')?.deleted).toBe(true);
  });

  it('goes on with a workflow whose object has only left the selection', async () => {
    const { intake, rows, there } = world();
    await intake.take(object('a'));
    there.set('w', 'a');
    await intake.leave(object('a').key);
    expect(rows.get('a')?.deleted).toBe(false);
  });

  it('waits with a new workflow until the rows of its namesake are gone', async () => {
    const { intake, rows } = world();
    await intake.take(object('old'));
    await intake.take(object('new'));
    expect(rows.get('old')?.deleted).toBe(true);
    expect(rows.has('new')).toBe(false);
    rows.delete('old');
    await intake.retryWaiting();
    expect(rows.has('new')).toBe(true);
  });

  it('says in the object that it cannot be read, and makes no rows', async () => {
    const { intake, rows, projections } = world();
    const spec = { templates: [{ name: 'main', container: { image: 'x', args: 'one' } }] } as unknown as Workflow['spec'];
    await intake.take(object('a', {}, { spec }));
    expect(rows.size).toBe(0);
    expect(projections[0]?.status).toMatchObject({
      phase: 'Failed',
      message: expect.stringMatching(/^invalid spec: /) as unknown,
    });
  });

  it('takes over what has a status but no rows here, once, and does not begin it', async () => {
    const { intake, rows, taken, requests } = world();
    const stopped = { suspend: false, shutdown: 'Stop' };
    await intake.take(object('a', { hasStatus: true, controls: stopped }, { spec: { shutdown: 'Stop' } }));
    await intake.take(object('a', { hasStatus: true, controls: stopped }, { spec: { shutdown: 'Stop' } }));
    expect([rows.size, taken, requests.size]).toEqual([0, ['a'], 0]);
  });

  it('looks again at a workflow that another controller still has, and leaves one alone that cannot be read', async () => {
    const { intake, taken, takeovers, rivals } = world();
    takeovers.set('b', 'held');
    await intake.take(object('b', { hasStatus: true }));
    takeovers.set('a', 'waits');
    rivals.isAlive = true;
    await intake.take(object('a', { hasStatus: true }));
    await intake.retryWaiting();
    rivals.isAlive = false;
    takeovers.set('a', 'taken');
    await intake.retryWaiting();
    expect([intake.isOutdated, taken]).toEqual([true, ['b', 'a']]);
    intake.begin(false);
    await intake.take(object('a', { hasStatus: true }));
    await intake.retryWaiting();
    expect(taken).toEqual(['b', 'a', 'a']);
  });

  it('takes in others while the nodes of one cannot be read, and looks again: soon where their database is away, seldom where they are not in it', async () => {
    const { intake, rows, taken, takeovers } = world();
    takeovers.set('a', 'away');
    takeovers.set('b', 'missing');
    for (const uid of ['a', 'b']) await intake.take(object(uid, { hasStatus: true }));
    await intake.take(object('c'));
    await intake.retryWaiting();
    expect([[...rows.keys()], taken, intake.isOutdated]).toEqual([['c'], ['a', 'b', 'a'], false]);
    world.nowMs += 31_000;
    takeovers.clear();
    await intake.retryWaiting();
    await intake.retryWaiting();
    expect(taken).toEqual(['a', 'b', 'a', 'a', 'b']);
  });

  it('keeps who may want a lock behind a holder whose nodes cannot be read', async () => {
    const { intake, rows, takeovers } = world();
    const holding = { synchronization: { mutex: { holding: [{ mutex: 'lab/Mutex/m', holder: 'lab/w' }] } } };
    takeovers.set('a', 'away');
    await intake.take(wanting('a', holding));
    await intake.removeMissing();
    await intake.take(wanting('b'));
    await intake.retryWaiting();
    expect([...rows.keys()]).toEqual([]);
    takeovers.clear();
    await intake.retryWaiting();
    await intake.retryWaiting();
    expect([...rows.keys()]).toEqual(['b']);
  });

  it('lets rows that are behind an object wait while it cannot be read, and nobody else', async () => {
    const { intake, rows, confirmed, unreadable } = world();
    rows.set('a', { workflow: { submitted: object('a').workflow, createdAtMs: 1 }, deleted: false });
    unreadable.add('a');
    await intake.take(object('a', { hasStatus: true, recordVersion: 7 }));
    await intake.take(wanting('b', undefined, {}));
    expect([rows.has('b'), confirmed]).toEqual([true, ['a 7']]);
    unreadable.clear();
    await intake.retryWaiting();
    await intake.retryWaiting();
    expect(confirmed).toEqual(['a 7', 'a 7']);
  });

  it('has rows that are there compared once with what their object shows', async () => {
    const { intake, rows, confirmed } = world();
    rows.set('a', { workflow: { submitted: object('a').workflow, createdAtMs: 1 }, deleted: false });
    await intake.take(object('a', { hasStatus: true, recordVersion: 7 }));
    await intake.take(object('a', { hasStatus: true, recordVersion: 8 }));
    expect(confirmed).toEqual(['a 7']);
  });

  it('leaves it to the server to make rows that hold more than the object, for a while', async () => {
    const { intake, rows } = world();
    const metadata = { annotations: { 'argosy.dev/rows-follow': 'true' } };
    await intake.take(object('a', {}, { metadata: { ...object('a').workflow.metadata, ...metadata } }));
    await intake.retryWaiting();
    expect(rows.size).toBe(0);
    world.nowMs += 31_000;
    await intake.retryWaiting();
    expect(rows.size).toBe(1);
  });

  it('lets go of a deleted object that has no rows', async () => {
    const { intake, released } = world();
    await intake.take(object('a', { isDeleting: true }));
    expect(released).toEqual(['a']);
  });
});
