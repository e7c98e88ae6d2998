import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createArtifactDrivers } from '#libs/artifacts';
import { eventually, missingPart, startS3 } from '#libs/testing';
import type { KubernetesObject, Workflow } from '#libs/workflow-spec';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newFolder, UpProcess, whyNotBuilt } from '../cli/stack.js';
import { refusingStore, type RefusingStore } from './refusing-store.js';

const BUCKETS = ['of-controller', 'of-team', 'of-name'];
const built = whyNotBuilt();
const s3 = built === undefined ? await startS3({ buckets: BUCKETS }) : undefined;
const why = built ?? (s3 === undefined ? missingPart('versitygw') : undefined);
const WAIT_MS = 60_000;

interface Kept {
  spec?: KubernetesObject;
  /** Fields of `spec.artifactGC`. */
  collection?: KubernetesObject;
  prefix: string;
}

/** Makes three files, of which the next step reads one. */
const workflow = (name: string, { spec = {}, collection = {}, prefix }: Kept): object => ({
  ...{ apiVersion: 'argoproj.io/v1alpha1', kind: 'Workflow', metadata: { name } },
  spec: {
    entrypoint: 'main',
    artifactGC: { strategy: 'OnWorkflowDeletion', ...collection },
    ...spec,
    templates: [
      {
        name: 'main',
        steps: [
          [{ name: 'make', template: 'make' }],
          [
            {
              name: 'read',
              template: 'read',
              arguments: { artifacts: [{ name: 'in', from: '{{steps.make.outputs.artifacts.deleted}}' }] },
            },
          ],
        ],
      },
      {
        name: 'make',
        container: {
          image: 'busybox',
          command: ['sh', '-c'],
          args: ['for f in completed deleted kept; do echo $f > /tmp/$f; done'],
        },
        outputs: {
          artifacts: [
            {
              name: 'completed',
              path: '/tmp/completed',
              s3: { key: `${prefix}/completed` },
              artifactGC: { strategy: 'OnWorkflowCompletion' },
            },
            { name: 'deleted', path: '/tmp/deleted', s3: { key: `${prefix}/deleted` } },
            { name: 'kept', path: '/tmp/kept', s3: { key: `${prefix}/kept` }, artifactGC: { strategy: 'Never' } },
          ].map((artifact) => ({ ...artifact, archive: { none: {} } })),
        },
      },
      {
        name: 'read',
        inputs: { artifacts: [{ name: 'in', path: '/tmp/in' }] },
        container: { image: 'busybox', command: ['true'] },
        outputs: { parameters: [{ name: 'text', valueFrom: { path: '/tmp/in' } }] },
      },
    ],
  },
});

describe.skipIf(why !== undefined)(`artifacts from their store to their deletion ${why ?? ''}`, () => {
  let up: UpProcess;
  let folder: string;
  let way: RefusingStore;
  let drivers: ReturnType<typeof createArtifactDrivers>;
  const secrets: Record<string, string> = { access: s3?.accessKey ?? '', secret: s3?.secretKey ?? '' };
  const block = (bucket: string): KubernetesObject => ({
    ...{ endpoint: way.endpoint, bucket, insecure: true },
    ...{ accessKeySecret: { name: 'store', key: 'access' }, secretKeySecret: { name: 'store', key: 'secret' } },
  });
  const send = async (method: string, route: string, body?: object): Promise<Response> =>
    fetch(`${up.url}${route}`, {
      method,
      ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    });
  const put = async (route: string, body: object): Promise<void> => {
    const answer = await send('PUT', `/api/argosy/v1/resources/${route}`, body);
    expect([route, answer.ok]).toEqual([route, true]);
  };

  beforeAll(async () => {
    way = await refusingStore(s3?.endpoint ?? '');
    drivers = createArtifactDrivers({ clock: { nowMs: () => Date.now() }, readSecret: async ({ key }) => secrets[key] });
    folder = await newFolder('argosy-artifacts-');
    up = await UpProcess.start(path.join(folder, 'data'), { ARTIFACT_GC_RETRY_BASE: '200ms', ARTIFACT_GC_RETRY_LONGEST: '1s' });
    for (const namespace of ['plain', 'team']) await put(`secrets/${namespace}/store`, { stringData: secrets });
    const entry = (bucket: string): string => JSON.stringify({ s3: block(bucket) });
    await put('configmaps/argo/workflow-controller-configmap', { data: { artifactRepository: entry('of-controller') } });
    await put('configmaps/team/artifact-repositories', {
      metadata: { annotations: { 'workflows.argoproj.io/default-artifact-repository': 'usual' } },
      data: { usual: entry('of-team'), special: entry('of-name') },
    });
    // Programs follow the ConfigMap within two seconds; a workflow that begins before has no repository.
    await eventually(async () => {
      const { keys } = (await (await send('GET', '/api/argosy/v1/controller-config')).json()) as { keys: string[] };
      return keys.includes('artifactRepository');
    }, 'the repository of the controller is in effect');
  }, 120_000);
  afterAll(async () => {
    await up?.end('SIGTERM');
    drivers?.close();
    await way?.close();
    await s3?.stop();
  });

  const keysIn = async (bucket: string, prefix: string): Promise<string[]> => {
    const location = { s3: { ...block(bucket), key: prefix } };
    const keys: string[] = [];
    for await (const { key } of drivers.driverFor(location, { namespace: '' }).list(location))
      keys.push(key.slice(prefix.length + 1));
    return keys.sort();
  };
  const until = (check: () => Promise<boolean>, what: string): Promise<void> => eventually(check, what, WAIT_MS);
  const get = async (namespace: string, name: string): Promise<Workflow> =>
    (await (await send('GET', `/api/v1/workflows/${namespace}/${name}`)).json()) as Workflow;
  const submit = async (namespace: string, name: string, kept: Kept): Promise<void> => {
    await writeFile(path.join(folder, `${name}.yaml`), JSON.stringify(workflow(name, kept)));
    const outcome = await up.cli('submit', '-n', namespace, path.join(folder, `${name}.yaml`));
    expect(outcome).toMatchObject({ exitCode: 0 });
  };
  const untilSucceeded = (namespace: string, name: string): Promise<void> =>
    until(async () => (await get(namespace, name)).status?.phase === 'Succeeded', `${name} succeeds`);
  /** Only the archive has it any more. */
  const isGone = ({ metadata }: Workflow): boolean =>
    metadata.labels?.['workflows.argoproj.io/workflow-archiving-status'] === 'Persisted';
  const conditionOf = async (namespace: string, name: string): Promise<string | undefined> =>
    (await get(namespace, name)).status?.conditions?.find(({ type }) => type === 'ArtifactGCError')?.message;

  it.concurrent.each([
    ['the controller’s', 'plain', 'of-controller', {}],
    ['its namespace’s default', 'team', 'of-team', {}],
    ['the one it refers to', 'team', 'of-name', { artifactRepositoryRef: { key: 'special' } }],
  ])('go to %s repository, to the next step, and away when their time has come', async (_case, namespace, bucket, spec) => {
    await submit(namespace, bucket, { prefix: bucket, spec });
    await untilSucceeded(namespace, bucket);
    await until(async () => (await keysIn(bucket, bucket)).join() === 'deleted,kept', 'what goes at completion has gone');
    await until(
      async () =>
        Object.values((await get(namespace, bucket)).status?.nodes ?? {}).some(
          ({ outputs }) => outputs?.artifacts?.find(({ name }) => name === 'completed')?.deleted === true,
        ),
      'the artifact is shown as deleted',
    );
    const ended = await get(namespace, bucket);
    const read = Object.values(ended.status?.nodes ?? {}).find(({ templateName }) => templateName === 'read');
    expect(read?.outputs?.parameters).toMatchObject([{ name: 'text', value: 'deleted' }]);
    expect(ended.status?.artifactRepositoryRef?.artifactRepository).toMatchObject({ s3: { bucket } });
    await until(
      async () =>
        JSON.stringify((await get(namespace, bucket)).status?.artifactGCStatus) ===
        '{"strategiesProcessed":{"OnWorkflowCompletion":true}}',
      'the status says what was carried out',
    );
    expect(await up.cli('delete', '-n', namespace, bucket)).toMatchObject({ exitCode: 0 });
    await until(async () => (await keysIn(bucket, bucket)).join() === 'kept', 'what goes with the workflow has gone');
  });

  it('hold up no deletion where the bucket refuses: the condition says so, the objects go later', async () => {
    way.refuses = true;
    await submit('plain', 'refused', { prefix: 'refused' });
    await untilSucceeded('plain', 'refused');
    await until(async () => (await conditionOf('plain', 'refused')) !== undefined, 'the condition says what fails');
    expect(await conditionOf('plain', 'refused')).toMatch(
      /^Artifact Garbage Collection failed for strategy OnWorkflowCompletion, err:.*AccessDenied: the policy of the bucket/,
    );
    const { stdout } = await up.cli('get', '-n', 'plain', 'refused');
    expect(stdout).toMatch(/ArtifactGCError +Artifact Garbage Collection failed for strategy OnWorkflowCompletion/);
    expect(await up.cli('delete', '-n', 'plain', 'refused')).toMatchObject({ exitCode: 0 });
    await until(async () => isGone(await get('plain', 'refused')), 'the workflow is gone');
    expect(await keysIn('of-controller', 'refused')).toEqual(['completed', 'deleted', 'kept']);
    const rows = (await (await send('GET', '/api/argosy/v1/artifact-deletions/plain?workflow=refused')).json()) as {
      items: { artifact: string; state: string; attempts: number; lastError: string }[];
    };
    expect(rows.items).toContainEqual(expect.objectContaining({ artifact: 'completed', state: 'pending' }));
    way.refuses = false;
    await until(
      async () => (await keysIn('of-controller', 'refused')).join() === 'kept',
      'the objects go when the bucket lets them',
    );
  });

  it('are left behind, and nobody tries for ever, where the workflow says so', async () => {
    way.refuses = true;
    await submit('plain', 'forced', { prefix: 'forced', collection: { forceFinalizerRemoval: true } });
    await untilSucceeded('plain', 'forced');
    await until(async () => (await conditionOf('plain', 'forced')) !== undefined, 'the condition says what fails');
    expect(await up.cli('delete', '-n', 'plain', 'forced')).toMatchObject({ exitCode: 0 });
    const states = async (): Promise<string[]> => {
      const answer = await send('GET', '/api/argosy/v1/artifact-deletions/plain?workflow=forced');
      return ((await answer.json()) as { items: { state: string }[] }).items.map(({ state }) => state);
    };
    await until(async () => (await states()).join() === 'abandoned,abandoned', 'both deletions are given up');
    way.refuses = false;
    expect(await keysIn('of-controller', 'forced')).toEqual(['completed', 'deleted', 'kept']);
  });
});
