import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '#libs/testing';
import type { NodeStatus, Workflow } from '#libs/workflow-spec';
import { startStackUnderTest, type StackUnderTest } from './stack-under-test.js';

let stack: StackUnderTest;
beforeAll(async () => {
  stack = await startStackUnderTest();
});
afterAll(() => stack.close());

const call = async <Body>(method: string, path: string, body?: unknown): Promise<{ status: number; body: Body }> => {
  const response = await fetch(stack.url + path, {
    method,
    ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as Body };
};
const at = (name: string): string => `/api/v1/workflows/lab/${name}`;
const submit = (name: string, spec: object): Promise<{ status: number; body: Workflow }> =>
  call('POST', '/api/v1/workflows/lab', { workflow: { metadata: { name }, spec } });
const ended = async (name: string): Promise<Workflow> => {
  const read = async (): Promise<Workflow> => (await call<Workflow>('GET', at(name))).body;
  await eventually(async () => (await read()).status?.phase?.match(/^(Succeeded|Failed|Error)$/) != null, `${name} ended`);
  return read();
};
const nodeOf = ({ status }: Workflow, displayName: string): NodeStatus | undefined =>
  Object.values(status?.nodes ?? {}).find((node) => node.displayName === displayName);

/** What artifact-gc does, which this stack has not: without it a deletion waits. */
const planArtifactCollection = (uid: string): Promise<unknown> =>
  stack.store.database.run({
    text: `INSERT INTO artifact_gc_plans (workflow, strategy, planned_at_ms) VALUES ($1, 'OnWorkflowDeletion', 0)`,
    values: [uid],
  });

const leaf = (name: string, args: string[], more: object = {}) => ({
  name,
  container: { image: 'sim', command: ['sim'], args },
  outputs: { parameters: [{ name: 'text', valueFrom: { path: '/tmp/text', default: '' } }] },
  ...more,
});
const twoSteps = {
  entrypoint: 'main',
  arguments: { parameters: [{ name: 'code', value: '1' }] },
  templates: [
    { name: 'main', steps: [[{ name: 'good', template: 'good' }], [{ name: 'bad', template: 'bad' }]] },
    leaf('good', ['out.text=kept']),
    leaf('bad', ['exit={{workflow.parameters.code}}']),
  ],
};

describe('runs of a workflow that has failed', () => {
  it('are resubmitted without what succeeded', async () => {
    await submit('again', twoSteps);
    const first = await ended('again');
    expect(first.status?.phase).toBe('Failed');
    const answer = await call<Workflow>('PUT', `${at('again')}/resubmit`, { memoized: true, parameters: ['code=0'] });
    expect(answer.status).toBe(200);
    const second = await ended(answer.body.metadata.name ?? '');
    expect(second.status?.phase).toBe('Succeeded');
    expect(nodeOf(second, 'good')).toMatchObject({
      type: 'Skipped',
      phase: 'Skipped',
      message: `original pod: ${nodeOf(first, 'good')?.id ?? ''}`,
      outputs: { parameters: [{ name: 'text', value: 'kept' }] },
    });
    expect(nodeOf(second, 'bad')).toMatchObject({ type: 'Pod', phase: 'Succeeded' });
    const refused = await call('PUT', `${at(second.metadata.name ?? '')}/resubmit`, { memoized: true });
    expect(refused).toMatchObject({
      status: 500,
      body: { message: 'workflow must be Failed/Error to resubmit in memoized mode' },
    });
  });

  it('are retried when only the archive holds them, under their name and as new objects', async () => {
    await submit('gone', twoSteps);
    const first = await ended('gone');
    const { uid = '' } = first.metadata;
    const archived = `/api/v1/archived-workflows/${uid}`;
    await eventually(async () => (await call('GET', archived)).status === 200, 'it is archived');
    expect((await call('PUT', `${archived}/retry`, {})).status).toBe(409);
    await call('DELETE', at('gone'));
    await planArtifactCollection(uid);
    await eventually(
      async () => (await call<Workflow>('PUT', `${at('gone')}/retry`, { parameters: ['code=0'] })).status === 200,
      'its name is free again',
    );
    const second = await ended('gone');
    expect(second.status?.phase).toBe('Succeeded');
    expect(second.metadata.uid).not.toBe(uid);
    expect(nodeOf(second, 'good')).toMatchObject({
      type: 'Pod',
      phase: 'Succeeded',
      startedAt: nodeOf(first, 'good')?.startedAt,
    });
  });
});

describe('outputs that are remembered', () => {
  const remembering = (cache: object) => ({
    entrypoint: 'main',
    templates: [leaf('main', ['out.text=once'], { memoize: { key: 'once', cache } })],
  });

  it.each([
    ['a ConfigMap', { configMap: { name: 'known' } }],
    ['a table', { database: { name: 'known' } }],
  ])('in %s are there for the next workflow', async (what, cache) => {
    const prefix = what.replaceAll(' ', '-').toLowerCase();
    await submit(`${prefix}-one`, remembering(cache));
    const one = await ended(`${prefix}-one`);
    expect(nodeOf(one, `${prefix}-one`)?.memoizationStatus).toEqual({ hit: false, key: 'once', cacheName: 'known' });
    await submit(`${prefix}-two`, remembering(cache));
    const two = await ended(`${prefix}-two`);
    expect(nodeOf(two, `${prefix}-two`)).toMatchObject({
      phase: 'Succeeded',
      memoizationStatus: { hit: true },
      outputs: { parameters: [{ name: 'text', value: 'once' }] },
    });
  });

  it('lie in ConfigMaps as those of Argo', async () => {
    const { body } = await call<{ metadata: object; data: Record<string, string> }>(
      'GET',
      '/api/argosy/v1/resources/configmaps/lab/known',
    );
    expect(body.metadata).toMatchObject({ labels: { 'workflows.argoproj.io/configmap-type': 'Cache' } });
    expect(JSON.parse(body.data['once'] ?? '')).toMatchObject({
      outputs: { parameters: [{ name: 'text', value: 'once' }] },
      creationTimestamp: expect.any(String) as string,
      lastHitTimestamp: expect.any(String) as string,
    });
  });
});

describe('what a spec says of its runs', () => {
  it('labels them, and they are found by it', async () => {
    await submit('labelled', {
      ...twoSteps,
      workflowMetadata: { labelsFrom: { code: { expression: "'code-' + workflow.parameters.code" } } },
    });
    await ended('labelled');
    const { body } = await call<{ items: Workflow[] }>('GET', '/api/v1/workflows/lab?listOptions.labelSelector=code%3Dcode-1');
    expect(body.items.map(({ metadata }) => metadata.name)).toEqual(['labelled']);
  });

  it('is measured once for each end', async () => {
    const labels = [{ key: 'status', value: '{{status}}' }];
    const metrics = { prometheus: [{ name: 'ends', help: 'how often', labels, counter: { value: '1' } }] };
    const templates = [twoSteps.templates[0], leaf('good', [], { metrics }), leaf('bad', ['exit=1'], { metrics })];
    await submit('measured', { ...twoSteps, templates });
    await ended('measured');
    const text = await stack.metrics.text();
    expect(text).toContain('# HELP argo_workflows_ends how often');
    expect(text).toContain('argo_workflows_ends{status="Succeeded"} 1');
    expect(text).toContain('argo_workflows_ends{status="Failed"} 1');
  });

  it('estimates how long they take by the last one that succeeded', async () => {
    const template = { metadata: { name: 'timed' }, spec: { entrypoint: 'main', templates: [leaf('main', [])] } };
    await call('POST', '/api/v1/workflow-templates/lab', { template });
    const run = async (): Promise<Workflow> => {
      const body = { resourceKind: 'WorkflowTemplate', resourceName: 'timed' };
      const { metadata } = (await call<Workflow>('POST', '/api/v1/workflows/lab/submit', body)).body;
      return ended(metadata.name ?? '');
    };
    expect((await run()).status?.estimatedDuration).toBeUndefined();
    expect((await run()).status?.estimatedDuration).toBeLessThanOrEqual(5);
  });
});
