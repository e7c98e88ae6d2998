import { describe, expect, it } from 'vitest';
import { runSimulated } from '#libs/testing';
import type { Template, Workflow } from '#libs/workflow-spec';

const leaf: Template = {
  name: 'leaf',
  inputs: { parameters: [{ name: 'text' }] },
  container: { image: 'sim', command: ['sim'], args: ['result={{inputs.parameters.text}}'] },
};
const call = { name: 'one', template: 'leaf', arguments: { parameters: [{ name: 'text', value: 'x' }] } };
const workflow = (main: Partial<Template>): Workflow => ({
  metadata: { name: 'own', namespace: 'lab' },
  spec: { entrypoint: 'main', templates: [{ name: 'main', ...main }, leaf] },
});

const nodesOf = (of: Workflow) => Object.values(runSimulated(of).workflow.status?.nodes ?? {});

describe('the inputs of a template', () => {
  it.each<[string, Partial<Template>]>([
    ['Steps', { steps: [[call]] }],
    ['DAG', { dag: { tasks: [call] } }],
  ])('are known to the expressions of its outputs: %s', (_kind, body) => {
    const main: Partial<Template> = {
      ...body,
      inputs: { parameters: [{ name: 'count', value: '2' }] },
      outputs: { parameters: [{ name: 'more', valueFrom: { expression: 'asInt(inputs.parameters.count) + 1' } }] },
    };
    const nodes = nodesOf(workflow(main));
    expect(nodes.find(({ name }) => name === 'own')).toMatchObject({
      phase: 'Succeeded',
      outputs: { parameters: [{ name: 'more', value: '3' }] },
    });
  });

  it('are known to expressions that the value of another input brought into a loop', () => {
    const parameters = [
      { name: 'flag', value: 'true' },
      { name: 'list', value: "{{= inputs.parameters.flag == 'true' ? 'on' : 'off' }}" },
    ];
    const each = {
      ...call,
      withItems: ['a', 'b'],
      arguments: { parameters: [{ name: 'text', value: '{{item}}-{{inputs.parameters.list}}' }] },
    };
    const nodes = nodesOf(workflow({ inputs: { parameters }, steps: [[each]] }));
    const texts = nodes.filter(({ type }) => type === 'Pod').map(({ inputs }) => inputs?.parameters?.[0]?.value);
    expect(texts).toEqual(['a-on', 'b-on']);
  });
});
