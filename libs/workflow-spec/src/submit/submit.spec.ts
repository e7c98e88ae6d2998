import { describe, expect, it } from 'vitest';
import { InternalApiError } from '../errors.js';
import type { Workflow } from '../model/workflow.js';
import { resubmitted, workflowFromCron, workflowFromTemplate } from './new-workflows.js';
import { applySubmitOptions, generatedName } from './submit-options.js';

const workflow: Workflow = {
  apiVersion: 'argoproj.io/v1alpha1',
  kind: 'Workflow',
  metadata: { name: 'w', namespace: 'lab', labels: { team: 'red', 'workflows.argoproj.io/phase': 'Failed' } },
  spec: {
    entrypoint: 'main',
    shutdown: 'Stop',
    arguments: {
      parameters: [
        { name: 'a', value: '1' },
        { name: 'b', value: '2' },
      ],
    },
  },
};

describe('submit options', () => {
  it('replace names, parameters and labels, and leave the workflow that was given alone', () => {
    const submitted = applySubmitOptions(workflow, {
      name: 'other',
      entryPoint: 'start',
      parameters: ['b=x=y', 'c='],
      labels: 'team=blue,from=here',
      annotations: 'note=n',
      serviceAccount: 'robot',
    });
    expect(submitted.metadata).toMatchObject({
      name: 'other',
      labels: { team: 'blue', from: 'here' },
      annotations: { note: 'n' },
    });
    expect(submitted.spec).toMatchObject({
      entrypoint: 'start',
      serviceAccountName: 'robot',
      arguments: {
        parameters: [
          { name: 'b', value: 'x=y' },
          { name: 'c', value: '' },
          { name: 'a', value: '1' },
        ],
      },
    });
    expect(workflow.metadata.name).toBe('w');
  });

  it('are refused in Argo’s words where they have another form', () => {
    expect(() => applySubmitOptions(workflow, { parameters: ['nonsense'] })).toThrow(
      'expected parameter of the form: NAME=VALUE. Received: nonsense',
    );
    expect(() => applySubmitOptions(workflow, { parameters: ['nonsense'] })).toThrow(InternalApiError);
    expect(() => applySubmitOptions(workflow, { labels: 'a' })).toThrow('unexpected label spec: a');
  });

  it('place artifacts by a key in the repository, before those of the workflow', () => {
    const artifacts = [
      { name: 'a', raw: { data: 'x' } },
      { name: 'b', raw: { data: 'y' } },
    ];
    const workflow = { metadata: {}, spec: { arguments: { artifacts } } };
    expect(applySubmitOptions(workflow, { artifacts: ['a=in/a=1.tgz'] }).spec.arguments?.artifacts).toEqual([
      { name: 'a', s3: { key: 'in/a=1.tgz' } },
      { name: 'b', raw: { data: 'y' } },
    ]);
    expect(() => applySubmitOptions(workflow, { artifacts: ['a'] })).toThrow(
      'expected artifact of the form: NAME=KEY. Received: a',
    );
  });

  it('generate names that fit', () => {
    expect(generatedName('w-', 'abcde')).toBe('w-abcde');
    expect(generatedName('w'.repeat(80), 'abcde')).toHaveLength(63);
  });
});

describe('new workflows', () => {
  it('refer to the template that they run', () => {
    expect(workflowFromTemplate('tmpl-a', false)).toMatchObject({
      metadata: { generateName: 'tmpl-a-', labels: { 'workflows.argoproj.io/workflow-template': 'tmpl-a' } },
      spec: { workflowTemplateRef: { name: 'tmpl-a' } },
    });
    expect(workflowFromTemplate('c', true)).toMatchObject({
      metadata: { labels: { 'workflows.argoproj.io/cluster-workflow-template': 'c' } },
      spec: { workflowTemplateRef: { name: 'c', clusterScope: true } },
    });
  });

  it('belong to the CronWorkflow that they run for', () => {
    const cron = { metadata: { name: 'c', namespace: 'lab', uid: 'u' }, spec: { workflowSpec: { entrypoint: 'x' } } };
    expect(workflowFromCron(cron, Date.UTC(2024, 0, 1))).toMatchObject({
      metadata: {
        generateName: 'c-',
        namespace: 'lab',
        labels: { 'workflows.argoproj.io/cron-workflow': 'c' },
        annotations: { 'workflows.argoproj.io/scheduled-time': '2024-01-01T00:00:00Z' },
        ownerReferences: [{ kind: 'CronWorkflow', name: 'c', uid: 'u', controller: true }],
      },
      spec: { entrypoint: 'x' },
    });
  });

  it('repeat another one without what told of its first run', () => {
    const { workflow: again, reuse } = resubmitted(workflow, { parameters: ['a=5'] });
    expect(reuse).toEqual({});
    expect(again.metadata).toEqual({
      generateName: 'w-',
      namespace: 'lab',
      labels: { team: 'red', 'workflows.argoproj.io/resubmitted-from-workflow': 'w' },
    });
    expect(again.spec).toEqual({
      entrypoint: 'main',
      arguments: {
        parameters: [
          { name: 'a', value: '5' },
          { name: 'b', value: '2' },
        ],
      },
    });
  });
});
