import { describe, expect, it } from 'vitest';
import { runSimulated, type SimulatedRun, type SimulationOptions } from '#libs/testing';
import type { Template, Workflow } from '#libs/workflow-spec';
import type { WorkflowRequest } from '../contract.js';

const code = { name: 'code' };
const passedOn = (value: string) => ({ arguments: { parameters: [{ name: 'code', value }] } });
const leaf: Template = {
  name: 'leaf',
  inputs: { parameters: [code] },
  container: { image: 'sim', command: ['sim'], args: ['exit={{inputs.parameters.code}}'] },
};

/** The argument goes down through the root, a nested DAG and (where asked for) a loop before a pod sees it. */
const workflow = (nested: Template, root: Partial<Template> = {}): Workflow => ({
  metadata: { name: 'tried', namespace: 'lab' },
  spec: {
    entrypoint: 'main',
    arguments: { parameters: [{ name: 'code', value: '1' }] },
    templates: [
      {
        name: 'main',
        inputs: { parameters: [code] },
        steps: [
          [{ name: 'good', template: 'leaf', ...passedOn('0') }],
          [{ name: 'nested', template: 'nested', ...passedOn('{{inputs.parameters.code}}') }],
        ],
        ...root,
      },
      { ...nested, name: 'nested', inputs: { parameters: [code] } },
      leaf,
    ],
  },
});

const dag: Template = {
  dag: {
    tasks: [
      { name: 'fine', template: 'leaf', ...passedOn('0') },
      { name: 'a', template: 'leaf', dependencies: ['fine'], ...passedOn('{{inputs.parameters.code}}') },
    ],
  },
};
const loop: Template = {
  dag: {
    tasks: [{ name: 'each', template: 'leaf', withItems: ['0', '{{inputs.parameters.code}}'], ...passedOn('{{item}}') }],
  },
};

const retryAt: { atMs: number; request: WorkflowRequest } = {
  atMs: 60_000,
  request: { type: 'retry', parameters: ['code=0'] },
};
const podsOf = ({ commands }: SimulatedRun): string[] =>
  commands.flatMap((command) => (command.type === 'runPod' ? [command.order.nodeName] : []));
const run = (of: Workflow, options: SimulationOptions = {}) => runSimulated(of, { ...options, requests: [retryAt] });

describe('a manual retry with other parameters', () => {
  it.each<[string, SimulationOptions]>([
    ['in memory', {}],
    ['from rows alone', { forgetful: true }],
  ])('reaches what is deep in the tree, and repeats only what had failed (%s)', (_how, options) => {
    const tried = run(workflow(dag), options);
    expect(tried.workflow.status?.phase).toBe('Succeeded');
    expect(podsOf(tried).filter((name) => name.endsWith('.a'))).toHaveLength(2);
    expect(podsOf(tried).filter((name) => !name.endsWith('.a'))).toEqual(['tried[0].good', 'tried[1].nested.fine']);
    const nested = Object.values(tried.workflow.status?.nodes ?? {}).find(({ name }) => name === 'tried[1].nested');
    expect(nested?.inputs?.parameters).toEqual([{ name: 'code', value: '0' }]);
  });

  it('expands loops anew', () => {
    const tried = run(workflow(loop));
    expect(tried.workflow.status?.phase).toBe('Succeeded');
    expect(podsOf(tried).at(-1)).toBe('tried[1].nested.each(1:0)');
  });

  it('reaches series of attempts', () => {
    const tried = run(workflow(dag, { retryStrategy: { limit: 0 } }));
    expect(tried.workflow.status?.phase).toBe('Succeeded');
  });
});
