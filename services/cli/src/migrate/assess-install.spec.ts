import { describe, expect, it } from 'vitest';
import { KubernetesNotFoundError } from '#libs/kubernetes';
import { NotFoundError, parseManifests } from '#libs/workflow-spec';
import { assessInstall } from './assess-install.js';
import { clusterSource, fileSource } from './migration-source.js';
import { migrationText } from './report-text.js';

const documentsOf = (text: string) =>
  parseManifests(text).map(({ document, value }) => ({ file: 'dump.yaml', document, object: value as Record<string, unknown> }));
const assess = (text: string, options = {}) =>
  assessInstall(fileSource(documentsOf(text), { configMapName: 'workflow-controller-configmap' }), options);

const INSTALL = `
apiVersion: v1
kind: List
items:
  - apiVersion: v1
    kind: ConfigMap
    metadata: {name: workflow-controller-configmap, namespace: argo}
    data: {parallelism: '10', nodeEvents: '{enabled: true}'}
  - apiVersion: argoproj.io/v1alpha1
    kind: CronWorkflow
    metadata: {name: nightly, namespace: lab}
    spec:
      schedule: 0 1 * * *
      workflowSpec: {workflowTemplateRef: {name: later}}
  - apiVersion: argoproj.io/v1alpha1
    kind: WorkflowTemplate
    metadata: {name: early, namespace: lab}
    spec:
      templates:
        - name: main
          steps: [[{name: a, templateRef: {name: later, template: main}}]]
  - apiVersion: argoproj.io/v1alpha1
    kind: WorkflowTemplate
    metadata: {name: later, namespace: lab}
    spec:
      entrypoint: main
      templates: [{name: main, http: {url: 'http://localhost'}}]
  - apiVersion: argoproj.io/v1alpha1
    kind: Workflow
    metadata: {name: lost, namespace: lab}
    spec: {workflowTemplateRef: {name: absent}}
    status: {phase: Running}
  - apiVersion: argoproj.io/v1alpha1
    kind: Workflow
    metadata: {name: fine, namespace: lab}
    spec: {entrypoint: main, templates: [{name: main, container: {image: a, command: [b]}}]}
    status: {phase: Succeeded}
`;

describe('an installation of Argo', () => {
  it('is counted by kind, with what would be refused and why', async () => {
    const { kinds, refused, workflows } = await assess(INSTALL);
    expect(kinds).toEqual({
      WorkflowTemplate: { found: 2, refused: 0 },
      ClusterWorkflowTemplate: { found: 0, refused: 0 },
      CronWorkflow: { found: 1, refused: 0 },
      WorkflowEventBinding: { found: 0, refused: 0 },
      Workflow: { found: 2, refused: 1 },
    });
    expect(refused).toMatchObject([{ kind: 'Workflow', namespace: 'lab', name: 'lost' }]);
    expect(refused[0]?.message).toContain('absent');
    expect(workflows.phases).toEqual({ Running: 1, Succeeded: 1 });
  });

  it('is told which keys of its configuration have no effect, or are wrong', async () => {
    const { configuration } = await assess(INSTALL);
    expect(configuration).toMatchObject({ found: true, keys: ['nodeEvents', 'parallelism'], problems: [] });
    const wrong = await assess(INSTALL.replace("'10'", "'many'"));
    expect(wrong.configuration.problems.join()).toContain('parallelism');
    expect((await assess('apiVersion: v1\nkind: List\nitems: []')).configuration.found).toBe(false);
  });

  it('is told of old forms and of differences, each once with a count', async () => {
    const { warnings, differences } = await assess(INSTALL);
    expect(warnings).toMatchObject([{ objects: 1, example: 'lab/nightly' }]);
    expect(differences).toEqual([
      { note: 'http templates without timeoutSeconds: a request ends after one hour', objects: 1, example: 'lab/later' },
      { note: 'resource, data, http and plugin templates: no pod is made for them', objects: 1, example: 'lab/later' },
      {
        note: 'CronWorkflows without startingDeadlineSeconds: a tick found up to 30 s late is on time, where a restarting controller loses it',
        objects: 1,
        example: 'lab/nightly',
      },
    ]);
  });

  it('names no more refused objects than are asked for, and counts all', async () => {
    const report = await assess(INSTALL, { refusedLimit: 0 });
    expect(report.refused).toEqual([]);
    expect(report.kinds.Workflow.refused).toBe(1);
    expect(migrationText(report)).toContain('and 1 more');
  });

  it('is read page by page from a cluster, and a kind that the cluster does not know is empty', async () => {
    const asked: unknown[] = [];
    const unknown = new KubernetesNotFoundError({ httpStatus: 404, reason: 'NotFound', message: 'no such kind' });
    expect(unknown).toBeInstanceOf(NotFoundError);
    const workflow = (name: string) => ({
      apiVersion: 'argoproj.io/v1alpha1',
      kind: 'Workflow',
      metadata: { name, namespace: 'lab' },
      spec: { entrypoint: 'main', templates: [{ name: 'main', suspend: {} }] },
    });
    const source = clusterSource(
      {
        get: () => Promise.reject(unknown),
        pages: async function* (address: { plural: string; namespace?: string }) {
          asked.push(address);
          if (address.plural !== 'workflows') throw unknown;
          yield { items: [workflow('a')], resourceVersion: '1' };
          yield { items: [workflow('b')], resourceVersion: '1' };
        } as never,
      },
      { namespace: 'lab', controllerNamespace: 'argo', configMapName: 'workflow-controller-configmap' },
    );
    const report = await assessInstall(source);
    expect(report.kinds.Workflow).toEqual({ found: 2, refused: 0 });
    expect(report.configuration.found).toBe(false);
    expect(asked).toContainEqual({ apiVersion: 'argoproj.io/v1alpha1', plural: 'clusterworkflowtemplates' });
    expect(asked).toContainEqual({ apiVersion: 'argoproj.io/v1alpha1', plural: 'workflows', namespace: 'lab' });
    expect(migrationText(report)).toContain('Nothing stands in the way.');
  });
});
