import { describe, expect, it } from 'vitest';
import { runSimulated, type SimulatedRun } from '#libs/testing';
import { resubmitted, retriedFromArchive, type NewRun, type Template, type Workflow } from '#libs/workflow-spec';

const leaf = (name: string, args: string[]): Template => ({
  name,
  outputs: { parameters: [{ name: 'text', valueFrom: { path: '/tmp/text' } }] },
  container: { image: 'sim', command: ['sim'], args },
});

/** `each` runs for three items; `last` fails unless the workflow's parameter says otherwise, and reads what they gave. */
const workflow: Workflow = {
  metadata: { name: 'first', namespace: 'lab', uid: 'u' },
  spec: {
    entrypoint: 'main',
    arguments: { parameters: [{ name: 'code', value: '1' }] },
    templates: [
      {
        name: 'main',
        dag: {
          tasks: [
            { name: 'each', template: 'each', withItems: ['a', 'b'] },
            {
              name: 'last',
              template: 'last',
              dependencies: ['each'],
              arguments: { parameters: [{ name: 'seen', value: '{{tasks.each.outputs.parameters.text}}' }] },
            },
          ],
        },
      },
      { ...leaf('each', ['out.text=given']), retryStrategy: { limit: 1 } },
      {
        ...leaf('last', ['exit={{workflow.parameters.code}}', 'out.text={{inputs.parameters.seen}}']),
        inputs: { parameters: [{ name: 'seen' }] },
      },
    ],
  },
};

const podsOf = ({ commands }: SimulatedRun): string[] =>
  commands.flatMap((command) => (command.type === 'runPod' ? [command.order.nodeName] : []));

const again = ({ workflow: next, reuse }: NewRun, name: string): SimulatedRun =>
  runSimulated({ ...next, metadata: { ...next.metadata, name }, reuse } as Workflow);

describe('a run that reuses an earlier one', () => {
  const failed = runSimulated(workflow).workflow;

  it('runs only what had not succeeded, and reads the outputs of the rest, those of loops too', () => {
    expect(failed.status?.phase).toBe('Failed');
    const run = again(resubmitted(failed, { memoized: true, parameters: ['code=0'] }), 'second');
    expect(podsOf(run)).toEqual(['second.last']);
    expect(run.workflow.status?.phase).toBe('Succeeded');
    const nodes = Object.values(run.workflow.status?.nodes ?? {});
    expect(nodes.find(({ name }) => name === 'second.each(0:a)(0)')).toMatchObject({ type: 'Skipped', phase: 'Skipped' });
    expect(nodes.find(({ name }) => name === 'second.last')?.outputs?.parameters?.[0]?.value).toBe('["given","given"]');
  });

  it('under its own name shows what it keeps as it was', () => {
    const run = again(retriedFromArchive(failed, { parameters: ['code=0'] }), 'first');
    expect(podsOf(run)).toEqual(['first.last']);
    const kept = Object.values(run.workflow.status?.nodes ?? {}).find(({ name }) => name === 'first.each(0:a)(0)');
    expect(kept).toMatchObject({ type: 'Pod', phase: 'Succeeded', progress: '1/1' });
    expect(run.workflow.status?.phase).toBe('Succeeded');
  });
});
