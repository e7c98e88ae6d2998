import { describe, expect, it } from 'vitest';
import { runSimulated } from '#libs/testing';
import type { NodeStatus, Workflow } from '#libs/workflow-spec';
import { nodeId } from '#libs/workflow-spec';
import type { FoundStatus, WorkflowRequest } from '../contract.js';

const ID = { gate: nodeId('w', 'w[0].gate'), after: nodeId('w', 'w[1].after') };
const parameters = [{ name: 'answer', value: '{{steps.gate.outputs.parameters.answer}}' }];
const workflow = (after: string[] = ['result={{inputs.parameters.answer}}']): Workflow => ({
  apiVersion: 'argoproj.io/v1alpha1',
  kind: 'Workflow',
  metadata: { name: 'w', namespace: 'argo', uid: 'u' },
  spec: {
    entrypoint: 'main',
    arguments: { parameters: [{ name: 'word', value: 'old' }] },
    templates: [
      {
        name: 'main',
        steps: [[{ name: 'gate', template: 'gate' }], [{ name: 'after', template: 'say', arguments: { parameters } }]],
      },
      { name: 'gate', suspend: {}, outputs: { parameters: [{ name: 'answer', valueFrom: { supplied: {} } }] } },
      { name: 'say', inputs: { parameters: [{ name: 'answer' }] }, container: { image: 'sim', command: ['sim'], args: after } },
    ],
  },
});
const restate = (found: FoundStatus): WorkflowRequest => ({ type: 'restate', found });
const gate = (phase: string, outputs: Record<string, string> = {}, message?: string) =>
  restate({ suspensions: [{ id: ID.gate, phase, outputs, ...(message === undefined ? {} : { message }) }] });
const run = (after: string[] | undefined, ...requests: WorkflowRequest[]) => {
  const timed = requests.map((request, at) => ({ atMs: 1_000 * (at + 1), request }));
  const { workflow: ended, commands } = runSimulated(workflow(after), { requests: timed });
  const args = commands.flatMap((command) => (command.type === 'runPod' ? command.order.template.container?.args : []));
  const node = (id: string): NodeStatus | undefined => ended.status?.nodes?.[id];
  return { ended, node, args };
};

describe('a status that somebody else has written', () => {
  it('ends a suspension, with the values that were supplied', () => {
    const { ended, node, args } = run(undefined, gate('Succeeded', { answer: 'yes', unknown: 'x' }, 'Resumed by: ann'));
    expect(ended.status?.phase).toBe('Succeeded');
    expect(node(ID.gate)).toMatchObject({ phase: 'Succeeded', message: 'Resumed by: ann' });
    expect(args).toEqual(['result=yes']);
  });

  it('supplies values to a suspension that goes on waiting', () => {
    const { ended, args } = run(undefined, gate('Running', { answer: 'set' }), gate('Succeeded'));
    expect(ended.status?.phase).toBe('Succeeded');
    expect(args).toEqual(['result=set']);
  });

  it('fails a suspension with its message', () => {
    const { ended, node } = run(undefined, gate('Failed', {}, 'no'));
    expect(ended.status?.phase).toBe('Failed');
    expect(node(ID.gate)).toMatchObject({ phase: 'Failed', message: 'no' });
  });

  it('asks for nothing that cannot be done, or is done', () => {
    const wrong = restate({ suspensions: [{ id: 'nobody', phase: 'Succeeded', outputs: {} }] });
    const { node, args } = run(undefined, wrong, gate('Succeeded'), gate('Succeeded', { answer: 'yes' }), gate('Failed'));
    expect(node(ID.gate)?.phase).toBe('Succeeded');
    expect(args).toEqual(['result=yes']);
  });

  it('repeats what it leaves out of a workflow that has ended, with its arguments', () => {
    const reopened = (nodeIds: string[], word = 'old') =>
      restate({ suspensions: [], reopened: { nodeIds, parameters: { word } } });
    const others = ['w', nodeId('w', 'w[0]'), nodeId('w', 'w[1]'), ID.gate];
    const steps = [gate('Succeeded', { answer: 'yes' }), reopened([...others, ID.after]), reopened(others, 'new')];
    const { ended, args } = run(['result={{workflow.parameters.word}}'], ...steps);
    expect(args).toEqual(['result=old', 'result=new']);
    expect(ended.status?.phase).toBe('Succeeded');
  });

  it('repeats what has failed', () => {
    const others = ['w', nodeId('w', 'w[0]'), nodeId('w', 'w[1]'), ID.gate];
    const { args } = run(
      ['exit=1'],
      gate('Succeeded', { answer: 'yes' }),
      restate({ suspensions: [], reopened: { nodeIds: others, parameters: { word: 'old' } } }),
    );
    expect(args).toEqual(['exit=1', 'exit=1']);
  });
});
