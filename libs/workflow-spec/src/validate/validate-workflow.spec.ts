import { describe, expect, it } from 'vitest';
import { WorkflowInvalidError } from '../errors.js';
import { decodeWorkflow } from '../decode/decode-objects.js';
import { parseManifests } from '../manifests/parse-manifests.js';
import type { Template, Workflow, WorkflowSpec } from '../model/workflow.js';
import { missingTemplates, templateKeyId, type TemplateGetter } from './template-source.js';
import { validateCronWorkflow } from './validate-cron-workflow.js';
import { validateWorkflow } from './validate-workflow.js';

const workflow = (yaml: string): Workflow => decodeWorkflow(parseManifests(yaml)[0]?.value).object;
const spec = (yaml: string): Workflow => workflow(`metadata: {name: w, namespace: lab}\nspec:\n  entrypoint: main\n${yaml}`);
const leaf: Template = { name: 'leaf', container: { image: 'sim', command: ['sim'] } };

describe('validateWorkflow', () => {
  it('follows templates from the entrypoint and names the way there', () => {
    const invalid = spec(`
  templates:
  - name: main
    steps: [[{name: a, template: inner}]]
  - name: inner
    dag: {tasks: [{name: t, template: leaf}]}
  - name: leaf
    inputs: {parameters: [{name: p}]}
    container: {image: sim}`);
    expect(() => validateWorkflow(invalid)).toThrow(
      'templates.main.steps[0].a templates.inner.tasks.t templates.leaf inputs.parameters.p was not supplied',
    );
  });

  it('lets templates call each other in a circle', () => {
    const recursive = spec(`
  templates:
  - name: main
    steps: [[{name: again, template: other}]]
  - name: other
    steps: [[{name: again, template: main}]]`);
    expect(validateWorkflow(recursive)).toEqual({ missing: [], references: [] });
  });

  it('refuses a chain of calls that is too long instead of falling over it', () => {
    const templates: Template[] = Array.from({ length: 20_000 }, (_, index) => ({
      name: `t${index}`,
      steps: [[{ name: 'next', template: `t${index + 1}` }]],
    }));
    const long = { metadata: { name: 'w' }, spec: { entrypoint: 't0', templates: [...templates, { ...leaf, name: 't20000' }] } };
    expect(() => validateWorkflow(long)).toThrow(WorkflowInvalidError);
  });

  it('stays quick for a chain of thousands of tasks that read each other', () => {
    const tasks = Array.from({ length: 3000 }, (_, index) => ({
      name: `t${index}`,
      template: 'leaf',
      ...(index === 0 ? {} : { depends: `t${index - 1}`, when: `{{tasks.t${index - 1}.status}} == Succeeded` }),
    }));
    const wide = { metadata: { name: 'w' }, spec: { entrypoint: 'main', templates: [{ name: 'main', dag: { tasks } }, leaf] } };
    const startedAt = performance.now();
    expect(validateWorkflow(wide)).toMatchObject({ missing: [] });
    expect(performance.now() - startedAt).toBeLessThan(10_000);
  });

  it('refuses tasks that wait for each other', () => {
    const cyclic = spec(`
  templates:
  - name: main
    dag: {tasks: [{name: a, template: leaf, depends: b}, {name: b, template: leaf, depends: a.Succeeded && a}]}
  - name: leaf
    container: {image: sim}`);
    expect(() => validateWorkflow(cyclic)).toThrow('templates.main sorting failed: graph with cycle');
  });

  it('refuses artifact paths that climb', () => {
    const climbing = spec(`
  templates:
  - name: main
    container: {image: sim}
    outputs: {artifacts: [{name: a, path: /tmp/../../etc/passwd}]}`);
    expect(() => validateWorkflow(climbing)).toThrow('Directory traversal is not permitted');
  });
});

describe('templates of other resources', () => {
  const referring = spec(`
  templates:
  - name: main
    steps: [[{name: a, templateRef: {name: lib, template: leaf}}, {name: b, templateRef: {name: far, template: leaf, clusterScope: true}}]]`);
  const library: WorkflowSpec = {
    templates: [leaf, { name: 'other', steps: [[{ name: 'x', templateRef: { name: 'deeper', template: 'leaf' } }]] }],
  };
  const getter =
    (specs: Record<string, WorkflowSpec | null>): TemplateGetter =>
    (key) =>
      specs[templateKeyId(key)];

  it('are asked for until all are loaded', () => {
    expect(missingTemplates(referring.spec, 'lab', getter({})).map(templateKeyId).sort()).toEqual([
      'cluster/far',
      'namespaced/lab/lib',
    ]);
    const loaded = { 'namespaced/lab/lib': library, 'cluster/far': null };
    expect(missingTemplates(referring.spec, 'lab', getter(loaded)).map(templateKeyId)).toEqual(['namespaced/lab/deeper']);
    expect(missingTemplates(referring.spec, 'lab', getter({ ...loaded, 'namespaced/lab/deeper': null }))).toEqual([]);
  });

  it('are named by a validation that lacks them, and given by one that has them', () => {
    expect(validateWorkflow(referring, { templates: getter({}) })).toEqual({
      missing: [{ kind: 'workflowTemplate', namespace: 'lab', name: 'lib' }],
    });
    const all = getter({ 'namespaced/lab/lib': library, 'cluster/far': library });
    const result = validateWorkflow(referring, { templates: all });
    expect('references' in result && result.references.map(({ storedName }) => storedName)).toEqual([
      'namespaced/lib/leaf',
      'cluster/far/leaf',
    ]);
  });

  it('are an error where they do not exist', () => {
    const templates = getter({ 'namespaced/lab/lib': null });
    expect(() => validateWorkflow(referring, { templates })).toThrow(
      'templates.main.steps[0].a couldn\'t find workflow template "lib" in namespace "lab"',
    );
  });
});

describe('validateCronWorkflow', () => {
  const cron = (schedule: string) => ({
    metadata: { name: 'c' },
    spec: { schedules: [schedule], workflowSpec: { entrypoint: 'leaf', templates: [leaf] } },
  });

  it.each(['* * * * *', '*/5 0-6/2 1,15 JAN-mar sun', '@daily', '@every 1h30m', 'CRON_TZ=Europe/Berlin 0 3 * * ?'])(
    'takes %s',
    (schedule) => {
      expect(validateCronWorkflow(cron(schedule))).toMatchObject({ missing: [] });
    },
  );

  it.each(['', '* * * *', '60 * * * *', '* * * * 8', '*/0 * * * *', '@sometimes', '@every soon', '5-1 * * * *'])(
    'refuses %j',
    (schedule) => {
      expect(() => validateCronWorkflow(cron(schedule))).toThrow(`cron schedule ${schedule} is malformed`);
    },
  );
});
