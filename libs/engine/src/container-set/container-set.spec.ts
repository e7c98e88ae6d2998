import { describe, expect, it } from 'vitest';
import { runSimulated } from '#libs/testing';
import type { NodeStatus, Template, Workflow } from '#libs/workflow-spec';

const member = (name: string, args: string[], dependencies: string[] = []) => ({
  name,
  image: 'sim',
  command: ['sim'],
  args,
  dependencies,
});
const workflow = (templates: Template[]): Workflow => ({ metadata: { name: 'wf' }, spec: { entrypoint: 'main', templates } });
const nodesOf = (run: { workflow: Workflow }): Record<string, NodeStatus> =>
  Object.fromEntries(Object.values(run.workflow.status?.nodes ?? {}).map((node) => [node.name, node]));

describe('a container set', () => {
  it('shows what failed and what could not begin, and has the exit code of main', () => {
    const containers = [member('main', ['exit=3']), member('next', [], ['main'])];
    const nodes = nodesOf(runSimulated(workflow([{ name: 'main', containerSet: { containers } }])));
    expect(nodes['wf']).toMatchObject({ phase: 'Failed', message: 'main: Error (exit code 3)', outputs: { exitCode: '3' } });
    expect(nodes['wf.main']).toMatchObject({ phase: 'Failed', message: 'Error (exit code 3): ', type: 'Container' });
    expect(nodes['wf.next']).toMatchObject({ phase: 'Error', message: 'Error (exit code 64): ' });
  });

  it('gives the result of main to what follows, which comes after its last containers', () => {
    const containers = [member('main', ['result=text']), member('b', [], ['main']), member('c', [], ['main'])];
    const run = runSimulated(
      workflow([
        {
          name: 'main',
          steps: [
            [{ name: 'set', template: 'set' }],
            [
              {
                name: 'use',
                template: 'use',
                arguments: { parameters: [{ name: 'in', value: '{{steps.set.outputs.result}}' }] },
              },
            ],
          ],
        },
        { name: 'set', containerSet: { containers } },
        { name: 'use', inputs: { parameters: [{ name: 'in' }] }, container: { image: 'sim', command: ['sim'] } },
      ]),
    );
    const nodes = nodesOf(run);
    expect(nodes['wf[1].use']?.inputs?.parameters).toEqual([{ name: 'in', value: 'text' }]);
    const groupId = nodes['wf[1]']?.id;
    expect(nodes['wf[0].set.b']?.children).toEqual([groupId]);
    expect(nodes['wf[0].set.c']?.children).toEqual([groupId]);
    expect(run.workflow.status?.progress).toBe('5/5');
  });

  it('begins anew, containers and all, with a manual retry', () => {
    const containers = [member('main', ['exit=1'])];
    const run = runSimulated(workflow([{ name: 'main', containerSet: { containers } }]), {
      requests: [{ atMs: 1_000, request: { type: 'retry' } }],
    });
    expect(run.commands.filter(({ type }) => type === 'runPod')).toHaveLength(2);
    expect(Object.keys(nodesOf(run))).toEqual(['wf', 'wf.main']);
  });
});
