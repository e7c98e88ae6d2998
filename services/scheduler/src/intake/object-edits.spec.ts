import { describe, expect, it } from 'vitest';
import type { WorkflowObject } from '#libs/resources';
import { quietLogger } from '#libs/testing';
import type { NodeStatus, Workflow } from '#libs/workflow-spec';
import { IntakeWorld, object } from './intake-world.js';

const world = () => new IntakeWorld(quietLogger);

describe('what others write into objects that were taken in', () => {
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
});
