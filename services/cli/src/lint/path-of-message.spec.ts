import { describe, expect, it } from 'vitest';
import { pathOfMessage } from './path-of-message.js';

const workflow = {
  kind: 'Workflow',
  spec: {
    entrypoint: 'nope',
    parallelism: 'two',
    templates: [
      { name: 'main', steps: [[{ name: 'a', template: 'leaf' }], [{ name: 'b', template: 'ghost', when: '{{x}} == 1' }]] },
      { name: 'leaf', inputs: { parameters: [{ name: 'p' }] }, container: { image: 'i' } },
      { name: 'graph', dag: { target: 'no', tasks: [{ name: 't', template: 'leaf' }] } },
    ],
  },
};

describe('the place that a message points to', () => {
  it.each([
    ["template name 'nope' undefined", ['spec', 'entrypoint']],
    ["templates.main.steps[1].b template name 'ghost' undefined", ['spec', 'templates', 0, 'steps', 1, 0, 'template']],
    ['templates.main.steps[0].a templates.leaf inputs.parameters.p was not supplied', ['spec', 'templates', 1]],
    ['templates.main.steps failed to resolve {{x}}', ['spec', 'templates', 0, 'steps', 1, 0, 'when']],
    ["templates.graph.targets: target 'ghost' is not defined", ['spec', 'templates', 2, 'dag', 'target']],
    ['templates.graph.tasks.t only one of withItems', ['spec', 'templates', 2, 'dag', 'tasks', 0]],
    ['spec.parallelism: must be a whole number, found a string', ['spec', 'parallelism']],
    ['strict decoding error: unknown field "spec.templates[1].container.imagePull"', ['spec', 'templates', 1, 'container']],
    ['kind: must be Workflow, found "Pod"', ['kind']],
    ['something else', ['spec']],
  ])('%s', (message, path) => expect(pathOfMessage(workflow, message)).toEqual(path));

  it('is inside the workflow of a CronWorkflow', () => {
    const cron = { kind: 'CronWorkflow', spec: { schedules: ['x'], workflowSpec: workflow.spec } };
    expect(pathOfMessage(cron, 'templates.leaf inputs.parameters.p was not supplied')).toEqual([
      'spec',
      'workflowSpec',
      'templates',
      1,
    ]);
  });
});
