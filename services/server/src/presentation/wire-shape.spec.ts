import { describe, expect, it } from 'vitest';
import { cronWorkflowShape, templateObjectShape, workflowShape } from './wire-shape.js';

describe('the shape of answers', () => {
  it('writes structs that Go writes even when nothing is in them', () => {
    const answer = workflowShape({
      apiVersion: 'argoproj.io/v1alpha1',
      kind: 'Workflow',
      metadata: { name: 'w' },
      spec: {
        entrypoint: 'main',
        templates: [
          { name: 'main', steps: [[{ name: 'a', template: 'say' }]] },
          { name: 'say', container: { image: 'i' } },
        ],
      },
    });
    expect(answer).toEqual({
      metadata: { name: 'w' },
      spec: {
        entrypoint: 'main',
        arguments: {},
        templates: [
          { name: 'main', inputs: {}, outputs: {}, metadata: {}, steps: [[{ name: 'a', template: 'say', arguments: {} }]] },
          { name: 'say', inputs: {}, outputs: {}, metadata: {}, container: { name: '', image: 'i', resources: {} } },
        ],
      },
      status: { startedAt: null, finishedAt: null },
    });
  });

  it('reaches templates wherever they stand', () => {
    const inline = { name: 'x', script: { image: 'i', source: 's' } };
    const { spec, status } = workflowShape({
      metadata: {},
      spec: {
        templateDefaults: {},
        templates: [{ name: 'd', dag: { tasks: [{ name: 't', inline, hooks: { exit: { template: 'h' } } }] } }],
      },
      status: { nodes: { n: { id: 'n' } }, storedTemplates: { s: { name: 's' } } },
    }) as { spec: never; status: never };
    expect(spec).toMatchObject({
      templateDefaults: { inputs: {}, outputs: {}, metadata: {} },
      templates: [
        {
          dag: {
            tasks: [
              { arguments: {}, inline: { inputs: {}, script: { name: '', resources: {} } }, hooks: { exit: { arguments: {} } } },
            ],
          },
        },
      ],
    });
    expect(status).toEqual({
      startedAt: null,
      finishedAt: null,
      nodes: { n: { id: 'n', startedAt: null, finishedAt: null } },
      storedTemplates: { s: { name: 's', inputs: {}, outputs: {}, metadata: {} } },
    });
  });

  it('gives templates no status and CronWorkflows an empty one', () => {
    expect(templateObjectShape({ kind: 'WorkflowTemplate', metadata: { name: 't' }, spec: {} })).toEqual({
      metadata: { name: 't' },
      spec: { arguments: {} },
    });
    expect(cronWorkflowShape({ metadata: { name: 'c' }, spec: { schedules: ['* * * * *'], workflowSpec: {} } })).toEqual({
      metadata: { name: 'c' },
      spec: { schedules: ['* * * * *'], workflowSpec: { arguments: {} } },
      status: { active: null, lastScheduledTime: null, conditions: null, succeeded: 0, failed: 0, phase: '' },
    });
  });
});
