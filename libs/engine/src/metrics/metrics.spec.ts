import { describe, expect, it } from 'vitest';
import { runSimulated, type SimulationOptions } from '#libs/testing';
import type { PrometheusMetric, Template, Workflow } from '#libs/workflow-spec';
import type { Command } from '../index.js';

const leaf = (metrics: PrometheusMetric[], more: Partial<Template> = {}): Template => ({
  name: 'leaf',
  inputs: { parameters: [{ name: 'code', value: '0' }] },
  metrics: { prometheus: metrics },
  container: { image: 'sim', command: ['sim'], args: ['exit={{inputs.parameters.code}}', 'ms=2000'] },
  ...more,
});

const workflow = (template: Template, own?: PrometheusMetric[]): Workflow => ({
  metadata: { name: 'measured', uid: 'u' },
  spec: {
    entrypoint: 'main',
    ...(own === undefined ? {} : { metrics: { prometheus: own } }),
    templates: [
      {
        name: 'main',
        steps: [
          [
            {
              name: 'a',
              template: 'leaf',
              withItems: ['0', '1'],
              arguments: { parameters: [{ name: 'code', value: '{{item}}' }] },
            },
          ],
        ],
      },
      template,
    ],
  },
});

const counter: PrometheusMetric = {
  name: 'ends',
  help: 'how often',
  labels: [
    { key: 'status', value: '{{status}}' },
    { key: 'code', value: '{{inputs.parameters.code}}/{{exitCode}}' },
  ],
  counter: { value: '1' },
};

const measured = (of: Workflow, options: SimulationOptions = {}) => {
  const commands: Command[] = [];
  const run = runSimulated(of, { ...options, onDecision: (decision) => commands.push(...decision.commands) });
  return { run, samples: commands.flatMap((command) => (command.type === 'measure' ? [command.sample] : [])), commands };
};

describe('metrics of a spec', () => {
  it('are taken as a node ends, with what is known of it then', () => {
    const { samples } = measured(workflow(leaf([counter])));
    expect(samples).toEqual([
      {
        name: 'ends',
        help: 'how often',
        kind: 'counter',
        value: 1,
        labels: [
          { key: 'status', value: 'Succeeded' },
          { key: 'code', value: '0/0' },
        ],
      },
      {
        name: 'ends',
        help: 'how often',
        kind: 'counter',
        value: 1,
        labels: [
          { key: 'status', value: 'Failed' },
          { key: 'code', value: '1/1' },
        ],
      },
    ]);
  });

  it('are taken only when their condition holds', () => {
    const { samples } = measured(workflow(leaf([{ ...counter, when: '{{status}} == Failed' }])));
    expect(samples.map(({ labels }) => labels[0]?.value)).toEqual(['Failed']);
  });

  it('measure time, resources and distributions', () => {
    const metrics: PrometheusMetric[] = [
      { name: 'took', help: 'h', gauge: { value: '{{duration}}', operation: 'Add' } },
      { name: 'spread', help: 'h', histogram: { value: '{{duration}}', buckets: [1, 5] } },
      { name: 'memory', help: 'h', gauge: { value: '{{resourcesDuration.memory}}' } },
    ];
    const { samples } = measured(workflow(leaf(metrics)));
    expect(samples.slice(0, 3)).toMatchObject([
      { kind: 'gauge', value: 2, operation: 'Add' },
      { kind: 'histogram', value: 2, buckets: [1, 5] },
      { kind: 'gauge', value: 2, operation: 'Set' },
    ]);
  });

  it('of a series are taken once, with the number of retries', () => {
    const metric: PrometheusMetric = { name: 'again', help: 'h', counter: { value: '{{retries}}' } };
    const { samples } = measured(workflow(leaf([metric], { retryStrategy: { limit: 2 } })));
    expect(samples.map(({ value }) => value).sort()).toEqual([0, 2]);
  });

  it('of the workflow are taken as it ends, once', () => {
    const own: PrometheusMetric = {
      name: 'whole',
      help: 'h',
      labels: [{ key: 'status', value: '{{workflow.status}}' }],
      gauge: { value: '{{workflow.duration}}' },
    };
    const { samples } = measured(workflow(leaf([]), [own]));
    expect(samples).toMatchObject([{ name: 'whole', value: 2, labels: [{ key: 'status', value: 'Failed' }] }]);
  });

  it('in real time go on from the start of what they measure to its end', () => {
    const own: PrometheusMetric = { name: 'running', help: 'h', gauge: { realtime: true, value: '{{workflow.duration}}' } };
    const each: PrometheusMetric = { name: 'step', help: 'h', gauge: { realtime: true, value: '{{duration}}' } };
    const { commands } = measured(workflow(leaf([each]), [own]));
    const kinds = commands.map(({ type }) => type).filter((type) => type.endsWith('Gauge') || type === 'measure');
    expect(kinds.filter((kind) => kind === 'startGauge')).toHaveLength(3);
    expect(kinds.filter((kind) => kind === 'endGauge')).toHaveLength(3);
    expect(kinds.filter((kind) => kind === 'measure')).toHaveLength(3);
  });

  it('are measured once however often decisions are lost and made anew', () => {
    const of = workflow(leaf([counter]), [{ ...counter, labels: [] }]);
    const stored: Command[] = [];
    runSimulated(of, { losingEvery: 2, onDecision: ({ commands }) => stored.push(...commands) });
    expect(stored.filter(({ type }) => type === 'measure')).toHaveLength(3);
  });

  it('that cannot be taken are a condition of the workflow and nothing else', () => {
    const { run, samples } = measured(workflow(leaf([{ name: 'bad', help: 'h', gauge: { value: 'much' } }, counter])));
    expect(samples).toHaveLength(2);
    expect(run.workflow.status?.conditions).toContainEqual({
      type: 'MetricsError',
      status: 'True',
      message: `metric 'bad': could not read "much" as a number`,
    });
  });
});
