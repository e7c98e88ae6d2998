import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { applyCustomResources, kubernetesCluster, type TestCluster } from '#libs/testing';
import type { Workflow } from '#libs/workflow-spec';
import { KubernetesWorkflowObjects, ResourceExistsError, type WorkflowObjectEvent, type WorkflowProjection } from '../index.js';

const found = await kubernetesCluster({ nodes: false });

describe.skipIf('skipped' in found)(
  `workflow objects on a real API server ${'skipped' in found ? `(${found.skipped})` : ''}`,
  () => {
    const cluster = found as TestCluster;
    let namespace = '';
    let objects: KubernetesWorkflowObjects;
    const another = () => new KubernetesWorkflowObjects({ api: cluster.api, managedNamespace: namespace });

    beforeAll(async () => {
      await applyCustomResources(cluster);
      namespace = await cluster.createNamespace('objects');
      objects = another();
    });
    afterAll(() => cluster.release());

    const RUNNING = { suspend: false, shutdown: '' };
    const workflow = (name: string, spec: Workflow['spec'] = {}): Workflow => ({
      metadata: { name, namespace, labels: { team: 'a' } },
      spec: { entrypoint: 'main', templates: [{ name: 'main', suspend: {} }], ...spec },
    });
    const create = async (name: string, spec?: Workflow['spec']) => {
      const { uid = '' } = (await objects.create(workflow(name, spec))).metadata;
      return { namespace, name, uid };
    };
    const projection = (
      key: WorkflowProjection['key'],
      version: number,
      phase: string,
      changes: Partial<WorkflowProjection> = {},
    ): WorkflowProjection => ({
      key,
      version,
      labels: { 'workflows.argoproj.io/phase': phase },
      annotations: {},
      status: { phase },
      controls: RUNNING,
      submittedControls: RUNNING,
      ...changes,
    });
    const read = async (name: string) => (await objects.find(namespace, name))?.workflow;

    it('writes a state to its object, and takes off what the state has no more', async () => {
      const key = await create('written');
      const labels = { 'workflows.argoproj.io/phase': 'Failed', 'workflows.argoproj.io/completed': 'true' };
      const status = { phase: 'Failed', message: 'gone', nodes: { a: { id: 'a' } } };
      await objects.project(projection(key, 3, 'Failed', { labels, status }));
      expect(await read('written')).toMatchObject({ metadata: { labels: { team: 'a', ...labels } }, status });
      expect(await objects.project(projection(key, 4, 'Running'))).toBe('written');
      const now = await read('written');
      expect(now?.metadata.labels).toEqual({ team: 'a', 'workflows.argoproj.io/phase': 'Running' });
      expect(now?.status).toEqual({ phase: 'Running' });
    });

    it('never puts back an older state, whoever comes late, and respects what people change meanwhile', async () => {
      const key = await create('late');
      await objects.project(projection(key, 5, 'Running'));
      expect(await another().project(projection(key, 4, 'Pending'))).toBe('newer');
      await cluster.kubectl(['-n', namespace, 'label', 'wf', 'late', 'mine=yes']);
      await another().project(projection(key, 7, 'Succeeded'));
      expect(await objects.project(projection(key, 6, 'Running'))).toBe('newer');
      expect(await read('late')).toMatchObject({ metadata: { labels: { mine: 'yes' } }, status: { phase: 'Succeeded' } });
    });

    it('gives what the spec gives until the workflow has begun, and leaves it to people from then on', async () => {
      const key = await create('given');
      const given = (phase: string) => ({
        labels: { team: 'given', 'workflows.argoproj.io/phase': phase },
        annotations: { note: 'given', 'workflows.argoproj.io/pod-name-format': 'v2' },
      });
      await objects.project(projection(key, 1, 'Running', given('Running')));
      expect((await read('given'))?.metadata).toMatchObject(given('Running'));
      await cluster.kubectl(['-n', namespace, 'label', 'wf', 'given', '--overwrite', 'team=mine']);
      await cluster.kubectl(['-n', namespace, 'annotate', 'wf', 'given', 'note-', 'workflows.argoproj.io/pod-name-format-']);
      const before = await objects.find(namespace, 'given');
      await objects.project(projection(key, 2, 'Failed', given('Failed')));
      const after = await objects.find(namespace, 'given');
      expect(after?.workflow.metadata.labels).toEqual({ team: 'mine', 'workflows.argoproj.io/phase': 'Failed' });
      expect(after?.workflow.metadata.annotations).toMatchObject({ 'workflows.argoproj.io/pod-name-format': 'v2' });
      expect(after?.workflow.metadata.annotations).not.toHaveProperty('note');
      expect(after?.writtenOver).toBe(before?.resourceVersion);
    });

    it('finds those that hold locks and have not ended, of its own instance', async () => {
      const holding = [{ mutex: `${namespace}/Mutex/m`, holder: `${namespace}/holds` }];
      const status = { phase: 'Running', nodes: { a: { id: 'a' } }, synchronization: { mutex: { holding } } };
      const waiting = {
        phase: 'Running',
        synchronization: { mutex: { waiting: [{ mutex: `${namespace}/Mutex/m`, holder: 'x' }] } },
      };
      await objects.project(projection(await create('holds'), 3, 'Running', { status }));
      await objects.project(projection(await create('wants'), 3, 'Running', { status: waiting }));
      const ended = { 'workflows.argoproj.io/completed': 'true' };
      await objects.project(projection(await create('held'), 3, 'Succeeded', { status, labels: ended }));
      await cluster.kubectl([
        '-n',
        namespace,
        'label',
        'wf',
        (await create('theirs')).name,
        'workflows.argoproj.io/controller-instanceid=x',
      ]);
      const names = async (from: KubernetesWorkflowObjects): Promise<string[]> => {
        const found: string[] = [];
        for await (const { key, recordVersion, workflow: shown } of from.holders())
          found.push(`${key.name} ${recordVersion ?? ''} ${Object.keys(shown.status?.nodes ?? {}).length}`);
        return found;
      };
      expect(await names(objects)).toEqual(['holds 3 0']);
      const ofX = new KubernetesWorkflowObjects({ api: cluster.api, managedNamespace: namespace, instanceId: 'x' });
      expect(await names(ofX)).toEqual([]);
    });

    it('writes nothing to another workflow of the name', async () => {
      const key = await create('namesake');
      await objects.project(projection(key, 1, 'Running'));
      await objects.delete(key);
      const second = await create('namesake');
      expect(await objects.project(projection(key, 2, 'Failed'))).toBe('gone');
      await objects.delete(key);
      expect((await read('namesake'))?.metadata.uid).toBe(second.uid);
      await expect(create('namesake')).rejects.toBeInstanceOf(ResourceExistsError);
    });

    it('brings controls in line with the rows, and leaves alone what a person has changed since', async () => {
      const key = await create('controls', { suspend: true });
      const submittedControls = { suspend: true, shutdown: '' };
      await objects.project(projection(key, 1, 'Running', { submittedControls }));
      expect((await read('controls'))?.spec.suspend).toBe(false);
      await objects.project(projection(key, 2, 'Running', { submittedControls, controls: { suspend: false, shutdown: 'Stop' } }));
      expect((await objects.find(namespace, 'controls'))?.controls).toEqual({ suspend: false, shutdown: 'Stop' });
      await objects.project(projection(key, 3, 'Running', { submittedControls }));
      await cluster.kubectl(['-n', namespace, 'patch', 'wf', 'controls', '--type=merge', '-p', '{"spec":{"suspend":true}}']);
      await objects.project(projection(key, 4, 'Running', { submittedControls }));
      expect(await objects.find(namespace, 'controls')).toMatchObject({
        controls: { suspend: true, shutdown: '' },
        knownControls: RUNNING,
        recordVersion: 4,
      });
    });

    it('follows objects of its instance, with their deletions', async () => {
      const key = await create('followed');
      await cluster.kubectl(
        ['create', '-f', '-'],
        JSON.stringify({
          apiVersion: 'argoproj.io/v1alpha1',
          kind: 'Workflow',
          ...workflow('foreign'),
          metadata: { name: 'foreign', namespace, labels: { 'workflows.argoproj.io/controller-instanceid': 'other' } },
        }),
      );
      const ending = new AbortController();
      const seen: WorkflowObjectEvent[] = [];
      for await (const event of objects.follow({ signal: ending.signal })) {
        seen.push(event);
        if (event.type === 'synced') await objects.delete(key);
        if (event.type === 'deleted') ending.abort();
      }
      const names = seen.flatMap((event) => ('object' in event ? [event.object.key.name] : []));
      expect(names).toContain('followed');
      expect(names).not.toContain('foreign');
      expect(seen.at(-1)).toEqual({ type: 'deleted', key });
    });

    it('has a disruption budget for the pods of a workflow, and takes none of somebody else', async () => {
      const key = await create('guarded');
      const shown = (): Promise<string> =>
        cluster.kubectl(['-n', namespace, 'get', 'pdb', '-o', 'jsonpath={range .items[*]}{.metadata.name} {.spec}{"\\n"}{end}']);
      await objects.makeBudget(key, { minAvailable: 9999 });
      await objects.makeBudget(key, { minAvailable: 1 });
      expect(await shown()).toBe(
        'guarded {"minAvailable":9999,"selector":{"matchLabels":{"workflows.argoproj.io/workflow":"guarded"}}}\n',
      );
      const stranger = { ...key, uid: 'another' };
      await expect(objects.makeBudget(stranger, { minAvailable: 1 })).rejects.toThrow(
        /already exists, and belongs to somebody else/,
      );
      await objects.removeBudget(stranger);
      expect(await shown()).toContain('guarded');
      await expect(objects.makeBudget({ ...key, name: 'refused' }, { minAvailable: 'x' })).rejects.toThrow(/minAvailable/);
      await objects.removeBudget(key);
      await objects.removeBudget(key);
      expect(await shown()).toBe('');
    });

    it('tells one occasion once, whoever tells it, and speaks of a pod where it is asked to', async () => {
      const key = await create('occasions');
      const notice = { key, type: 'Normal', reason: 'WorkflowNodeRunning', message: 'Running node x' } as const;
      const about = { apiVersion: 'v1', kind: 'Pod', name: 'occasions-x-1' };
      for (const teller of [objects, another()]) {
        for (const occasion of ['n1/Running', 'n1/Failed']) await teller.tell({ ...notice, occasion }, Date.UTC(2026, 0, 1));
        await teller.tell({ ...notice, about, occasion: 'n2/Running' }, Date.UTC(2026, 0, 1));
      }
      const told = async (selector: string): Promise<string[]> =>
        (await cluster.kubectl(['-n', namespace, 'get', 'events', `--field-selector=${selector}`, '-o', 'name']))
          .trim()
          .split('\n');
      expect(await told('involvedObject.kind=Workflow,involvedObject.name=occasions')).toHaveLength(2);
      const [ofPod = '', ...more] = await told('involvedObject.kind=Pod,involvedObject.name=occasions-x-1');
      expect(ofPod).toMatch(/^event\/occasions-x-1\.[0-9a-f]{16}$/);
      expect(more).toEqual([]);
    });

    it('tells events that kubectl shows', async () => {
      const key = await create('told');
      await objects.tell({ key, type: 'Normal', reason: 'WorkflowRunning', message: 'Workflow Running' }, Date.UTC(2026, 0, 1));
      const shown = await cluster.kubectl([
        '-n',
        namespace,
        'get',
        'events',
        '--field-selector=involvedObject.name=told,reportingComponent=workflow-controller',
        '--no-headers',
      ]);
      expect(shown).toMatch(/Normal\s+WorkflowRunning\s+workflow\/told\s+Workflow Running/);
      const other = await create('untold');
      const ending = new AbortController();
      const seen: unknown[] = [];
      for await (const event of objects.events({ namespace, fieldSelector: 'involvedObject.name=told' }, ending.signal)) {
        seen.push(event['reason']);
        if (event['reason'] === 'WorkflowSucceeded') ending.abort();
        await objects.tell({ key: other, type: 'Normal', reason: 'WorkflowFailed', message: '' }, Date.UTC(2026, 0, 1));
        await objects.tell({ key, type: 'Normal', reason: 'WorkflowSucceeded', message: '' }, Date.UTC(2026, 0, 1));
      }
      expect(seen).toEqual(['WorkflowRunning', 'WorkflowSucceeded']);
    });
  },
);
