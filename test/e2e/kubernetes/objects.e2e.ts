import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '#libs/testing';
import { isFinishedWorkflowPhase, type Workflow, type WorkflowSpec } from '#libs/workflow-spec';
import { clusterFleet, type ClusterFleet } from '../faults/cluster/cluster-fleet.js';

const started = await clusterFleet('objects');
const LIMIT_MS = 90_000;

const object = (kind: string, name: string, spec: object) => ({
  apiVersion: 'argoproj.io/v1alpha1',
  kind,
  metadata: { name },
  spec,
});
const container = (script: string): WorkflowSpec => ({
  entrypoint: 'main',
  templates: [{ name: 'main', container: { image: 'busybox', command: ['sh', '-c', script] } }],
});

describe.skipIf('skipped' in started)(`what kubectl makes ${'skipped' in started ? `(${started.skipped})` : ''}`, () => {
  const parts = started as ClusterFleet;
  const { cluster, fleet, namespace } = parts;
  beforeAll(() => fleet.start(), 120_000);
  afterAll(() => parts.stop());

  const writes = async (): Promise<Record<string, number>> => {
    const sums: Record<string, number> = {};
    for (const program of Object.values(fleet.programs))
      for (const [call, count] of await program.clusterWrites()) sums[call] = (sums[call] ?? 0) + count;
    return sums;
  };
  const kubectl = (args: readonly string[], ...objects: object[]): Promise<string> =>
    cluster.kubectl(['-n', namespace, ...args], objects.map((each) => JSON.stringify(each)).join('\n'));
  const create = (...objects: object[]): Promise<string> => kubectl(['create', '-f', '-'], ...objects);
  const workflow = (name = 'one'): Promise<Workflow> =>
    cluster.api.get<Workflow>({ apiVersion: 'argoproj.io/v1alpha1', plural: 'workflows', namespace, name });
  const ended = async (name: string): Promise<Workflow> => {
    let last: Workflow | undefined;
    await eventually(
      async () => isFinishedWorkflowPhase((last = await workflow(name)).status?.phase),
      () => `${name} ends: ${JSON.stringify(last?.status)}`,
      LIMIT_MS,
    );
    return last as Workflow;
  };
  const podsOf = async () => (await cluster.api.list({ apiVersion: 'v1', plural: 'pods', namespace })).items;
  const reasons = async (): Promise<string[]> => {
    const { items } = await cluster.api.list({ apiVersion: 'v1', plural: 'events', namespace });
    const told = items.filter((event) => (event['involvedObject'] as { kind?: string }).kind === 'Workflow');
    return told.map((event) => event['reason'] as string);
  };

  it('costs at most 12 writes to the API server for a workflow of one pod, with two schedulers and two pod-managers', async () => {
    expect(await writes()).toEqual({});
    await create(object('Workflow', 'one', container('true')));
    await eventually(
      async () => (await workflow()).metadata.labels?.['workflows.argoproj.io/workflow-archiving-status'] === 'Archived',
      'the workflow is archived',
      LIMIT_MS,
    );
    await eventually(async () => (await reasons()).includes('WorkflowSucceeded'), 'its end is told', LIMIT_MS);
    await eventually(
      async () => (await podsOf()).every(({ metadata }) => (metadata.finalizers ?? []).length === 0),
      'its pod is let go',
      LIMIT_MS,
    );
    const counted = await writes();
    const sum = Object.values(counted).reduce((total, count) => total + count, 0);
    expect(sum, JSON.stringify(counted)).toBeLessThanOrEqual(12);
    expect(counted['create pods']).toBe(1);
    // One where the pod's end is recorded at once; where that comes between two looks at the pod, two.
    expect(counted['patch pods']).toBeLessThanOrEqual(2);
    expect(await reasons()).toEqual(expect.arrayContaining(['WorkflowRunning', 'WorkflowNodeSucceeded', 'WorkflowSucceeded']));
  });

  it('may be a workflow that makes others, and is what becomes of them', async () => {
    const rules = [{ apiGroups: ['argoproj.io'], resources: ['workflows'], verbs: ['create', 'get'] }];
    const rbac = 'rbac.authorization.k8s.io';
    await create(
      { apiVersion: `${rbac}/v1`, kind: 'Role', metadata: { name: 'maker' }, rules },
      {
        ...{ apiVersion: `${rbac}/v1`, kind: 'RoleBinding', metadata: { name: 'maker' } },
        roleRef: { apiGroup: rbac, kind: 'Role', name: 'maker' },
        subjects: [{ kind: 'ServiceAccount', name: 'default' }],
      },
    );
    const making = (name: string, script: string) => ({
      name,
      resource: {
        action: 'create',
        setOwnerReference: true,
        manifest: JSON.stringify(object('Workflow', `{{workflow.name}}-${name}`, container(script))),
        successCondition: 'status.phase == Succeeded',
        failureCondition: 'status.phase in (Failed, Error)',
      },
      outputs: { parameters: [{ name: 'progress', valueFrom: { jsonPath: '{.status.progress}' } }] },
    });
    const main = {
      name: 'main',
      dag: { failFast: false, tasks: ['good', 'bad'].map((name) => ({ name, template: name })) },
    };
    await create(
      object('Workflow', 'parent', { entrypoint: 'main', templates: [main, making('good', 'true'), making('bad', 'exit 3')] }),
    );
    const { status, metadata } = await ended('parent');
    const [good, bad] = ['good', 'bad'].map((name) =>
      Object.values(status?.nodes ?? {}).find(({ displayName }) => displayName === name),
    );
    expect(status?.phase).toBe('Failed');
    expect(good).toMatchObject({ phase: 'Succeeded', outputs: { parameters: [{ name: 'progress', value: '1/1' }] } });
    expect(bad).toMatchObject({ phase: 'Failed', message: expect.stringContaining('failure condition') as string });
    for (const [name, phase] of [
      ['good', 'Succeeded'],
      ['bad', 'Failed'],
    ]) {
      const child = await workflow(`parent-${name}`);
      expect(child.status?.phase).toBe(phase);
      expect(child.metadata.ownerReferences).toMatchObject([{ kind: 'Workflow', name: 'parent', uid: metadata.uid }]);
    }
  });

  it('is made where an event meets a WorkflowEventBinding', async () => {
    const template = container('echo {{workflow.parameters.who}}');
    const submit = {
      workflowTemplateRef: { name: 'greeting' },
      metadata: { name: '"greeted-" + payload.who' },
      arguments: { parameters: [{ name: 'who', valueFrom: { event: 'payload.who' } }] },
    };
    await create(
      object('WorkflowTemplate', 'greeting', { ...template, arguments: { parameters: [{ name: 'who' }] } }),
      object('WorkflowEventBinding', 'greets', { event: { selector: 'discriminator == "hello" && payload.who != ""' }, submit }),
    );
    for (const [discriminator, who] of [
      ['hello', 'ada'],
      ['other', 'bob'],
    ]) {
      const answer = await fetch(`http://${fleet.serverAddress}/api/v1/events/${namespace}/${discriminator}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: 'Bearer any' },
        body: JSON.stringify({ who }),
      });
      expect(answer.status).toBe(200);
    }
    const { metadata, status, spec } = await ended('greeted-ada');
    expect([status?.phase, spec.arguments?.parameters]).toEqual(['Succeeded', [{ name: 'who', value: 'ada' }]]);
    expect(metadata.labels).toMatchObject({ 'workflows.argoproj.io/workflow-event-binding': 'greets' });
    await expect(workflow('greeted-bob')).rejects.toThrow('not found');
  });

  it('has to be a template of the operator where the controller says so', async () => {
    const data = { workflowRestrictions: 'templateReferencing: Strict' };
    await create({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'workflow-controller-configmap' }, data });
    let refused: Workflow | undefined;
    let count = 0;
    await eventually(
      async () => {
        const name = `free-${(count += 1)}`;
        await create(object('Workflow', name, container('true')));
        refused = await ended(name);
        return refused.status?.phase !== 'Succeeded';
      },
      'the rule counts',
      LIMIT_MS,
    );
    expect(refused?.status).toMatchObject({
      phase: 'Error',
      message: 'workflows must use workflowTemplateRef to be executed when the controller is in reference mode',
    });
    await create(
      object('WorkflowTemplate', 'given', container('true')),
      object('Workflow', 'obeys', { workflowTemplateRef: { name: 'given' } }),
      object('Workflow', 'adds', { workflowTemplateRef: { name: 'given' }, hostNetwork: true }),
    );
    expect((await ended('obeys')).status?.phase).toBe('Succeeded');
    expect((await ended('adds')).status).toMatchObject({
      phase: 'Error',
      message: expect.stringMatching(/^fields hostNetwork /) as string,
    });
    const owners = (await podsOf()).map(({ metadata }) => metadata.labels?.['workflows.argoproj.io/workflow']);
    expect(owners).toContain('obeys');
    expect(owners).not.toContain(refused?.metadata.name);
    expect(owners).not.toContain('adds');
  });

  const podsOfWorkflow = async (name: string) =>
    (await podsOf()).filter(({ metadata }) => metadata.labels?.['workflows.argoproj.io/workflow'] === name);
  /** What restrictions are there for, of each pod of a workflow: what runs, as whom, and on which network. */
  const guardedOf = async (name: string) =>
    (await podsOfWorkflow(name)).map((pod) => {
      const spec = pod['spec'] as {
        hostNetwork?: boolean;
        serviceAccountName: string;
        containers: { name: string; args?: string[] }[];
      };
      const [script] = spec.containers.find((each) => each.name === 'main')?.args ?? [];
      return { script, account: spec.serviceAccountName, isOnHost: spec.hostNetwork === true };
    });
  const phaseOfNode = async (name: string, displayName: string) =>
    Object.values((await workflow(name)).status?.nodes ?? {}).find((node) => node.displayName === displayName)?.phase;

  it('stays what the template said when it began where the controller says Secure, whatever is written over it', async () => {
    const data = { workflowRestrictions: 'templateReferencing: Secure' };
    await kubectl(['apply', '-f', '-'], {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'workflow-controller-configmap' },
      data,
    });
    const approved = (script: string) => ({
      entrypoint: 'all',
      arguments: { parameters: [{ name: 'grace', value: '5' }] },
      podSpecPatch: '{"terminationGracePeriodSeconds": {{workflow.parameters.grace}}}',
      templates: [
        { name: 'all', steps: [[{ name: 'gate', template: 'gate' }], [{ name: 'main', template: 'main' }]] },
        { name: 'gate', suspend: {} },
        { name: 'main', container: { image: 'busybox', command: ['sh', '-c'], args: [script] } },
      ],
    });
    await create(
      object('WorkflowTemplate', 'approved', approved('true')),
      object('WorkflowTemplate', 'plain', container('true')),
    );
    const naming = (name: string, more: object = {}) =>
      object('Workflow', name, { workflowTemplateRef: { name: 'approved' }, ...more });
    let count = 0;
    const wider = { hostNetwork: true, serviceAccountName: 'maker' };
    await eventually(
      async () => {
        const name = `wider-${(count += 1)}`;
        await create(object('Workflow', name, { workflowTemplateRef: { name: 'plain' }, hostNetwork: true }));
        return (await ended(name)).status?.message?.includes('templateReferencing is Secure') === true;
      },
      'the rule counts',
      LIMIT_MS,
    );
    const evil = { ...approved('echo evil'), ...wider };
    const forged = { phase: 'Running', startedAt: '2026-01-01T00:00:00Z', finishedAt: null, storedWorkflowTemplateSpec: evil };
    await create(
      object('Workflow', 'alone', evil),
      naming('sneaks', { arguments: { parameters: [{ name: 'grace', value: '5, "hostNetwork": true' }] } }),
      naming('patches', { podSpecPatch: '{"hostNetwork": true}' }),
      naming('argued', { arguments: { parameters: [{ name: 'grace', value: '7' }] } }),
      { ...naming('forged'), status: forged },
    );
    for (const name of ['alone', 'patches']) expect([name, (await ended(name)).status?.phase]).toEqual([name, 'Error']);
    for (const name of ['argued', 'forged', 'sneaks'])
      await eventually(async () => (await phaseOfNode(name, 'gate')) === 'Running', `${name} is at its gate`, LIMIT_MS);

    const over = { spec: { ...evil, workflowTemplateRef: null } };
    await kubectl(['patch', 'workflow', 'argued', '--type=merge', '-p', JSON.stringify(over)]);
    await kubectl(['patch', 'workflowtemplate', 'approved', '--type=merge', '-p', JSON.stringify({ spec: evil })]);
    for (const name of ['argued', 'forged', 'sneaks'])
      await fetch(`http://${fleet.serverAddress}/api/v1/workflows/${namespace}/${name}/resume`, { method: 'PUT' });
    for (const name of ['argued', 'forged']) {
      expect([name, (await ended(name)).status?.phase]).toEqual([name, 'Succeeded']);
      expect(await guardedOf(name)).toEqual([{ script: 'true', account: 'default', isOnHost: false }]);
    }
    expect((await ended('sneaks')).status?.phase).toBe('Failed');
    expect(await phaseOfNode('sneaks', 'main')).toBe('Error');
    expect((await podsOfWorkflow('argued'))[0]?.['spec']).toMatchObject({ terminationGracePeriodSeconds: 7 });
    for (const name of ['alone', 'patches', 'sneaks']) expect([name, await podsOfWorkflow(name)]).toEqual([name, []]);
  });
});
