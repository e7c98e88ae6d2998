import { describe, expect, it } from 'vitest';
import { runSimulated, type SimulationOptions } from '#libs/testing';
import type { NodeStatus, Template, Workflow } from '#libs/workflow-spec';
import type { PodOrder, PodReport } from '../contract.js';

const workflow = (templates: Template[], spec: Partial<Workflow['spec']> = {}): Workflow => ({
  apiVersion: 'argoproj.io/v1alpha1',
  kind: 'Workflow',
  metadata: { name: 'tasks' },
  spec: { entrypoint: 'main', templates, ...spec },
});

/** Ends every order as told, and keeps what was ordered. */
const play =
  (orders: PodOrder[], end: (order: PodOrder) => Partial<PodReport>): NonNullable<SimulationOptions['play']> =>
  (order) => {
    orders.push(order);
    const { nodeId, incarnation } = order;
    return { report: { nodeId, incarnation, phase: 'Succeeded', ...end(order) }, durationMs: 1000 };
  };

const run = (of: Workflow, end: (order: PodOrder) => Partial<PodReport>, options: SimulationOptions = {}) => {
  const orders: PodOrder[] = [];
  const { workflow: ended } = runSimulated(of, { ...options, play: play(orders, end) });
  const node = (displayName: string): NodeStatus | undefined =>
    Object.values(ended.status?.nodes ?? {}).find((candidate) => candidate.displayName === displayName);
  return { status: ended.status, orders, node };
};

const get: Template = { name: 'get', http: { url: 'http://a/{{inputs.parameters.x}}' }, inputs: { parameters: [{ name: 'x' }] } };
const looped = (outer: Partial<Template> = {}): Workflow =>
  workflow([
    {
      name: 'main',
      steps: [
        [{ name: 'ask', template: 'get', withItems: ['a', 'b'], arguments: { parameters: [{ name: 'x', value: '{{item}}' }] } }],
      ],
      ...outer,
    },
    get,
  ]);

describe('tasks', () => {
  it('are nodes of their own type, ordered with every tag resolved', () => {
    const { status, orders, node } = run(looped(), () => ({ outputs: { result: '1' } }));
    expect(status?.phase).toBe('Succeeded');
    expect(orders.map(({ template }) => template.http?.url)).toEqual(['http://a/a', 'http://a/b']);
    expect(node('ask(0:a)')).toMatchObject({ type: 'HTTP', phase: 'Succeeded', outputs: { result: '1' } });
    expect(node('ask(0:a)')?.resourcesDuration).toBeUndefined();
    expect(status?.conditions).toEqual([{ type: 'Completed', status: 'True' }]);
  });

  it('that answer plain text in a loop are an error only where the list of their answers is named', () => {
    const answers = () => ({ outputs: { result: 'plain text' } });
    expect(run(looped(), answers).status?.phase).toBe('Succeeded');
    const named = looped({
      outputs: { parameters: [{ name: 'all', valueFrom: { parameter: '{{steps.ask.outputs.result}}' } }] },
    });
    expect(run(named, answers).status).toMatchObject({ phase: 'Error' });
  });

  it('fail or err as they are reported, and are tried again like pods', () => {
    const retried = workflow([{ name: 'main', http: { url: 'http://a' }, retryStrategy: { limit: 1 } }]);
    const { status, orders } = run(retried, ({ nodeName }) =>
      nodeName.endsWith('(1)') ? {} : { phase: 'Failed', message: 'received non-2xx response code: 500' },
    );
    expect(status?.phase).toBe('Succeeded');
    expect(orders.map(({ nodeName }) => nodeName)).toEqual(['tasks(0)', 'tasks(1)']);
    const lost = run(workflow([{ name: 'main', http: { url: 'http://a' } }]), () => ({
      phase: 'Failed',
      infrastructure: true,
      message: 'Get "http://a": EOF',
    }));
    expect(lost.status).toMatchObject({ phase: 'Error', message: 'Get "http://a": EOF' });
  });

  it('keep what a plugin says when it has succeeded', () => {
    const plugin = workflow([{ name: 'main', plugin: { hello: { to: '{{workflow.name}}' } } }]);
    const { status, orders, node } = run(plugin, () => ({ message: 'Hello!' }));
    expect(status).toMatchObject({ phase: 'Succeeded' });
    expect(node('tasks')).toMatchObject({ type: 'Plugin', phase: 'Succeeded', message: 'Hello!' });
    expect(orders[0]?.template.plugin).toEqual({ hello: { to: 'tasks' } });
  });

  it('of a plugin that the workflow brings along carry it', () => {
    const executorPlugins = [{ metadata: { name: 'own' }, spec: { sidecar: { container: { name: 'own' } } } }];
    const { orders } = run(workflow([{ name: 'main', plugin: { own: {} } }], { executorPlugins }), () => ({}));
    expect(orders[0]?.executorPlugins).toEqual(executorPlugins);
    expect(
      run(workflow([{ name: 'main', http: { url: 'a' } }], { executorPlugins }), () => ({})).orders[0]?.executorPlugins,
    ).toBeUndefined();
  });

  it('of resource and data templates are shown as pods; data is always captured', () => {
    const both = workflow([
      { name: 'main', steps: [[{ name: 'make', template: 'make' }], [{ name: 'list', template: 'list' }]] },
      { name: 'make', resource: { action: 'create', flags: ['pod', '{{pod.name}}'], manifest: 'a: {{workflow.name}}' } },
      {
        name: 'list',
        data: { source: { artifactPaths: { name: 'all' } }, transformation: [{ expression: 'filter(data, {# != ""})' }] },
      },
    ]);
    const { status, orders, node } = run(both, () => ({ exitCode: 0 }));
    expect(status).toMatchObject({ phase: 'Succeeded', progress: '2/2' });
    expect(node('make')).toMatchObject({ type: 'Pod', outputs: { exitCode: '0' }, progress: '1/1' });
    expect(orders[0]?.template.resource).toMatchObject({ flags: ['pod', orders[0]?.podName], manifest: 'a: tasks' });
    expect(orders.map(({ captureResult }) => captureResult)).toEqual([false, true]);
  });

  it('are ended by a shutdown and by a deadline, with the words for pods', () => {
    const hanging = workflow([{ name: 'main', http: { url: 'http://a' } }]);
    const slow = (order: PodOrder) => ({
      report: { nodeId: order.nodeId, incarnation: order.incarnation, phase: 'Succeeded' as const },
      durationMs: 3_600_000,
    });
    const terminated = runSimulated(hanging, { play: slow, requests: [{ atMs: 1000, request: { type: 'terminate' } }] });
    expect(terminated.workflow.status?.nodes?.['tasks']).toMatchObject({
      phase: 'Failed',
      message: 'workflow shutdown with strategy:  Terminate',
    });
    const late = runSimulated({ ...hanging, spec: { ...hanging.spec, activeDeadlineSeconds: 10 } }, { play: slow });
    expect(late.workflow.status?.nodes?.['tasks']).toMatchObject({ phase: 'Failed', message: 'Step exceeded its deadline' });
  });
});
