import type { Template, WorkflowSpec } from '#libs/workflow-spec';

type Rest = Omit<WorkflowSpec, 'entrypoint' | 'templates'>;

/** A template that runs a script with busybox. */
export const shell = (name: string, script: string, more: Partial<Template> = {}): Template => ({
  name,
  container: { image: 'busybox', command: ['sh', '-c', script] },
  ...more,
});

/** A workflow of one template. */
export const single = (template: Template, more: Rest = {}): WorkflowSpec => ({
  entrypoint: template.name ?? '',
  templates: [template],
  ...more,
});

/** A workflow whose step `two` takes the result of step `one`, which runs the template: so it is captured. */
export const captured = (template: Template, more: Rest = {}): WorkflowSpec => {
  const text = { name: 'text', value: '{{steps.one.outputs.result}}' };
  return {
    entrypoint: 'all',
    templates: [
      template,
      shell('use', 'true', { inputs: { parameters: [{ name: 'text' }] } }),
      {
        name: 'all',
        steps: [
          [{ name: 'one', template: template.name ?? '' }],
          [{ name: 'two', template: 'use', arguments: { parameters: [text] } }],
        ],
      },
    ],
    ...more,
  };
};
