import { describe, expect, it } from 'vitest';
import { playPod, runSimulated, type SimulatedRun } from '#libs/testing';
import type { NodeStatus, RetryStrategy, Template, Workflow, WorkflowSpec } from '#libs/workflow-spec';

const workflow = (retryStrategy: RetryStrategy, more: Partial<Template> = {}, spec: Partial<WorkflowSpec> = {}): Workflow => ({
  metadata: { name: 'again', namespace: 'lab' },
  spec: {
    entrypoint: 'main',
    arguments: { parameters: [{ name: 'limit', value: '2' }] },
    templates: [
      {
        name: 'main',
        retryStrategy,
        container: { image: 'sim', command: ['sim'], args: ['exit=1', 'seen={{lastRetry.exitCode}}/{{retries}}'] },
        ...more,
      },
    ],
    ...spec,
  },
});

const podsOf = ({ commands }: SimulatedRun): Template[] =>
  commands.flatMap((command) => (command.type === 'runPod' ? [command.order.template] : []));
const rootOf = ({ workflow: { status } }: SimulatedRun): NodeStatus | undefined => status?.nodes?.['again'];

describe('retry strategies', () => {
  it.each<[string, RetryStrategy['limit']]>([
    ['a number', 2],
    ['a text', '2'],
    ['a tag', '{{workflow.parameters.limit}}'],
    ['an expression', '{{= asInt(workflow.parameters.limit) }}'],
  ])('count attempts by %s', (_what, limit) => {
    const run = runSimulated(workflow({ limit } as RetryStrategy));
    expect(podsOf(run)).toHaveLength(3);
    expect(rootOf(run)).toMatchObject({ phase: 'Failed', message: 'No more retries left' });
  });

  it('of the workflow hold for templates without one, their tags replaced', () => {
    const own = workflow({}, {}, { retryStrategy: { limit: '{{workflow.parameters.limit}}' } });
    delete own.spec.templates?.[0]?.retryStrategy;
    expect(podsOf(runSimulated(own))).toHaveLength(3);
  });

  it('are an error of the node where the limit is no number', () => {
    expect(rootOf(runSimulated(workflow({ limit: 'many' })))).toMatchObject({
      phase: 'Error',
      message: 'strconv.ParseInt: parsing "many": invalid syntax',
    });
  });

  it('tell each attempt of the one before', () => {
    const seen = podsOf(runSimulated(workflow({ limit: 1 }))).map(({ container }) => container?.args?.[1]);
    expect(seen).toEqual(['seen=0/0', 'seen=1/1']);
  });

  it('know the messages of the installation that pass by themselves', () => {
    const strategy = { limit: 1, retryPolicy: 'OnTransientError' };
    expect(podsOf(runSimulated(workflow(strategy)))).toHaveLength(1);
    const retry = { transientErrorPattern: 'exit code [0-9]+' };
    expect(podsOf(runSimulated(workflow(strategy), { config: { retry } }))).toHaveLength(2);
  });

  it('keep attempts away from hosts on which others have failed, where they are asked to', () => {
    const strategy: RetryStrategy = { limit: 2, affinity: { nodeAntiAffinity: {} } };
    let host = 0;
    const run = runSimulated(workflow(strategy), {
      play: (order) => {
        const played = playPod(order);
        host += 1;
        return { ...played, report: { ...played.report, hostNodeName: `host-${host}` } };
      },
    });
    const excluded = podsOf(run).map((template) => JSON.stringify(template['affinity'] ?? null));
    expect(excluded[0]).toBe('null');
    expect(excluded[1]).toContain('{"key":"kubernetes.io/hostname","operator":"NotIn","values":["host-1"]}');
    expect(excluded[2]).toContain('"values":["host-1","host-2"]');
  });
});
