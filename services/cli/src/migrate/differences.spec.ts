import { describe, expect, it } from 'vitest';
import { parseManifests } from '#libs/workflow-spec';
import { assessInstall, type MigrationReport } from './assess-install.js';
import { fileSource } from './migration-source.js';
import { migrationText } from './report-text.js';

const CONFIGMAP = 'workflow-controller-configmap';
const assess = (text: string): Promise<MigrationReport> =>
  assessInstall(
    fileSource(
      parseManifests(text).map(({ document, value }) => ({ file: 'dump', document, object: value as Record<string, unknown> })),
      { configMapName: CONFIGMAP },
    ),
  );
const featuresOf = ({ differences }: MigrationReport): string[] => differences.map(({ note }) => note.split(': ')[0] ?? '');

const objectOf = (kind: string, fields: object, metadata: object = {}): string =>
  JSON.stringify({ apiVersion: 'argoproj.io/v1alpha1', kind, metadata: { name: 'x', namespace: 'lab', ...metadata }, ...fields });
const CONTAINER = { image: 'a', command: ['b'] };
const workflow = (template: object, spec: object = {}, rest: { metadata?: object; status?: object } = {}): string =>
  objectOf(
    'Workflow',
    {
      spec: { entrypoint: 'main', templates: [{ name: 'main', ...template }], ...spec },
      ...(rest.status ? { status: rest.status } : {}),
    },
    rest.metadata,
  );
const cron = (spec: object): string =>
  objectOf('CronWorkflow', {
    spec: {
      startingDeadlineSeconds: 60,
      schedules: ['0 1 * * *'],
      workflowSpec: { entrypoint: 'main', templates: [{ name: 'main', container: CONTAINER }] },
      ...spec,
    },
  });
const dag = (task: object) => ({ dag: { tasks: [{ name: 'a', inline: { container: CONTAINER }, ...task }] } });
const mutexes = (...names: string[]) => ({ synchronization: { mutexes: names.map((name) => ({ name })) } });
const artifact = (fields: object) => ({
  container: CONTAINER,
  inputs: { artifacts: [{ name: 'in', path: '/in', ...fields }] },
});

describe('differences of an installation', () => {
  it.each<[string, string, string[]]>([
    ['a plain workflow', workflow({ container: CONTAINER }), []],
    ['a schedule in UTC', cron({ timezone: 'UTC' }), []],
    ['a schedule in a zone', cron({ timezone: 'Europe/Berlin' }), ['schedules in a zone']],
    ['a schedule with a zone of its own', cron({ schedules: ['CRON_TZ=Asia/Tokyo 0 1 * * *'] }), ['schedules in a zone']],
    ['the old singular form of a schedule', cron({ schedules: undefined, schedule: '@every 1h' }), ['schedules with @every']],
    [
      'a schedule without a deadline',
      cron({ startingDeadlineSeconds: undefined }),
      ['CronWorkflows without startingDeadlineSeconds'],
    ],
    [
      'a suspended workflow that is stopped',
      workflow({ container: CONTAINER }, { suspend: true, shutdown: 'Stop' }, { status: { phase: 'Running' } }),
      ['suspended workflows that are stopped'],
    ],
    [
      'one that has ended',
      workflow({ container: CONTAINER }, { suspend: true, shutdown: 'Stop' }, { status: { phase: 'Failed' } }),
      [],
    ],
    [
      'labels and finalizers of Argo',
      workflow(
        { container: CONTAINER },
        {},
        {
          metadata: {
            finalizers: ['workflows.argoproj.io/artifact-gc'],
            labels: { 'workflows.argoproj.io/creator': 'somebody' },
          },
        },
      ),
      ['the finalizer of artifact garbage collection', 'labels of who created a workflow, or acted on it'],
    ],
    [
      'artifacts that are collected',
      workflow({ container: CONTAINER }, { artifactGC: { strategy: 'OnWorkflowDeletion' } }),
      ['artifactGC'],
    ],
    ['artifacts that are not', workflow({ container: CONTAINER }, { artifactGC: { strategy: 'Never' } }), []],
    [
      'a collection with an account',
      workflow(
        { container: CONTAINER },
        { artifactGC: { strategy: 'OnWorkflowCompletion', serviceAccountName: 'a', forceFinalizerRemoval: true } },
      ),
      ['artifactGC', 'artifactGC with podMetadata, serviceAccountName or podSpecPatch', 'artifactGC.forceFinalizerRemoval'],
    ],
    ['a lock', workflow({ container: CONTAINER, ...mutexes('a') }), []],
    ['two locks at once', workflow({ container: CONTAINER, ...mutexes('a', 'b') }), ['several locks at once']],
    [
      'a lock in the database around attempts of a DAG',
      workflow({ ...dag({}), retryStrategy: { limit: 1 }, synchronization: { mutexes: [{ name: 'a', database: true }] } }),
      ['database locks', 'locks of Steps and DAGs with attempts'],
    ],
    [
      'a hook of a task and a limit',
      workflow(dag({ hooks: { running: { template: 'main', expression: 'tasks.a.status == "Running"' } } }), { parallelism: 2 }),
      ['hooks beside a parallelism', 'hooks on Running'],
    ],
    [
      'a template inside a task',
      workflow(dag({ inline: { http: { url: 'http://a', timeoutSeconds: 5 } } })),
      ['resource, data, http and plugin templates'],
    ],
    [
      'a whole address of Artifactory',
      workflow(artifact({ artifactory: { url: 'https://a/b' } })),
      ['artifactory artifacts with a whole URL and no account'],
    ],
    ['a public git repository', workflow(artifact({ git: { repo: 'https://a/b.git' } })), []],
    [
      'a git repository on the host',
      workflow(artifact({ git: { repo: '/srv/b.git' } })),
      ['git.repo that is a path of the host'],
    ],
    ['nodes of Windows', workflow({ container: CONTAINER, nodeSelector: { 'kubernetes.io/os': 'windows' } }), ['Windows nodes']],
  ])('of %s', async (_, text, features) => {
    const report = await assess(text);
    expect(featuresOf(report)).toEqual(features);
  });

  it('are said once for a field that is not served, whoever has it and wherever', async () => {
    const krb = { hdfs: { addresses: ['a:8020'], path: '/a', krbUsername: 'u' } };
    const report = await assess([workflow(artifact(krb)), workflow({ ...artifact(krb), name: 'main' })].join('\n---\n'));
    expect(report.refusedFields).toEqual([
      { note: 'inputs.artifacts[].hdfs.krbUsername is not supported', objects: 2, example: 'lab/x' },
    ]);
    expect(report.kinds.Workflow).toEqual({ found: 2, refused: 2 });
  });

  it('say which fields nobody knows, and nothing of those that only pods heed', async () => {
    const { warnings } = await assess(workflow({ container: CONTAINER, contaner: {}, serviceAccountName: 'a' }));
    expect(warnings).toEqual([
      { note: 'unknown field spec.templates[].contaner has no effect, as with Argo', objects: 1, example: 'lab/x' },
    ]);
  });

  it('refuse zones that nobody knows', async () => {
    const { refused } = await assess(cron({ timezone: 'Atlantis' }));
    expect(refused).toMatchObject([{ kind: 'CronWorkflow', message: expect.stringContaining('Atlantis') as string }]);
  });

  it('let ended workflows stand in nobody’s way', async () => {
    const report = await assess(workflow({ container: CONTAINER }, { entrypoint: 'gone' }, { status: { phase: 'Succeeded' } }));
    expect(report.kinds.Workflow.refused).toBe(0);
    expect(report.warnings[0]?.note).toContain('has ended, and would not be taken again');
    expect(migrationText(report)).toContain('Nothing stands in the way.');
  });

  it('take a workflow that has begun by what it was begun with', async () => {
    const spec = { workflowTemplateRef: { name: 'gone' } };
    const begun = { ...spec, entrypoint: 'main', templates: [{ name: 'main', container: CONTAINER }] };
    const running = { phase: 'Running', storedWorkflowTemplateSpec: begun };
    expect((await assess(objectOf('Workflow', { spec, status: running }))).refused).toEqual([]);
    expect((await assess(objectOf('Workflow', { spec, status: { phase: 'Running' } }))).refused).toHaveLength(1);
  });

  it('are those of the configuration, in either form', async () => {
    const values = {
      workflowRestrictions: '{templateReferencing: Strict}',
      persistence: '{archive: true}',
      metricsConfig: '{enabled: true}',
      artifactRepository: '{s3: {bucket: b, accessKeySecret: {name: s, key: k}}}',
    };
    const whole = {
      config: Object.entries(values)
        .map(([key, value]) => `${key}: ${value}`)
        .join('\n'),
    };
    for (const data of [values, whole]) {
      const { configuration } = await assess(
        JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: CONFIGMAP }, data }),
      );
      expect(configuration.differences.map((text) => text.split(': ')[0])).toEqual([
        'workflowRestrictions',
        'artifactRepository with Secrets',
        'persistence without nodeStatusOffLoad',
      ]);
      expect(configuration.notes.join()).toContain('metricsConfig has no effect');
    }
  });

  it('keep a bounded number of notes', async () => {
    const many = Array.from({ length: 300 }, (_, at) => workflow({ container: CONTAINER, [`odd${at}`]: 1 }));
    const { warnings } = await assess(many.join('\n---\n'));
    expect(warnings).toHaveLength(201);
    expect(warnings.at(-1)).toMatchObject({ note: 'others of this sort', objects: 100 });
  });
});
