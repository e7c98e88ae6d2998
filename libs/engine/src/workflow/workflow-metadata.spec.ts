import { describe, expect, it } from 'vitest';
import { runSimulated } from '#libs/testing';
import type { Workflow, WorkflowSpec } from '#libs/workflow-spec';

const workflow = (spec: Partial<WorkflowSpec>): Workflow => ({
  apiVersion: 'argoproj.io/v1alpha1',
  kind: 'Workflow',
  metadata: { name: 'labelled', labels: { team: 'red', kept: 'yes' } },
  spec: {
    entrypoint: 'main',
    arguments: { parameters: [{ name: 'colour', value: 'blue' }] },
    templates: [{ name: 'main', container: { image: 'sim', command: ['sim'], args: ['result={{workflow.labels.from}}'] } }],
    ...spec,
  },
});

describe('metadata that a workflow gives itself', () => {
  it('stands over that of the object, and templates read it', () => {
    const { workflow: ended, commands } = runSimulated(
      workflow({
        workflowMetadata: {
          labels: { team: '{{workflow.parameters.colour}}' },
          annotations: { note: 'of {{workflow.name}}' },
          labelsFrom: { from: { expression: "workflow.parameters.colour + '-' + workflow.labels.team" } },
        },
      }),
    );
    expect(ended.metadata.labels).toMatchObject({ team: 'blue', kept: 'yes', from: 'blue-blue' });
    expect(ended.metadata.annotations).toMatchObject({ note: 'of labelled' });
    expect(commands.find(({ type }) => type === 'runPod')).toMatchObject({
      order: { template: { container: { args: ['result=blue-blue'] } } },
    });
  });

  it('comes from the WorkflowTemplate that the workflow runs', () => {
    const spec: WorkflowSpec = {
      entrypoint: 'main',
      workflowMetadata: { labels: { origin: 'template' } },
      templates: [{ name: 'main', container: { image: 'sim', command: ['sim'] } }],
    };
    const { workflow: ended } = runSimulated(
      { ...workflow({}), spec: { workflowTemplateRef: { name: 'shared' } } },
      { others: [{ kind: 'WorkflowTemplate', metadata: { name: 'shared' }, spec } as never] },
    );
    expect(ended.status?.phase).toBe('Succeeded');
    expect(ended.metadata.labels).toMatchObject({ origin: 'template' });
  });

  it.each([
    ['no label', { labels: { bad: 'a b' } }, /^invalid label value "a b" for label "bad": a valid label must be/],
    ['an expression that fails', { labelsFrom: { bad: { expression: 'nobody.there' } } }, /^failed to evaluate label "bad"/],
    ['an expression that gives no text', { labelsFrom: { bad: { expression: '1 + 1' } } }, /it must give a string$/],
  ])('puts the workflow in Error where it is %s', (_what, workflowMetadata, message) => {
    const { status } = runSimulated(
      workflow({ workflowMetadata, templates: [{ name: 'main', container: { image: 'sim' } }] }),
    ).workflow;
    expect(status?.phase).toBe('Error');
    expect(status?.message).toMatch(message);
    expect(status?.nodes).toBeUndefined();
  });
});
