import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createArtifactDrivers, type ArtifactDrivers } from '#libs/artifacts';
import { createLogger } from '#libs/observability';
import { probeSandbox } from '#libs/runtimes';
import { missingPart, startS3 } from '#libs/testing';
import {
  isFinishedWorkflowPhase,
  parseManifests,
  type KubernetesObject,
  type NodeStatus,
  type Workflow,
} from '#libs/workflow-spec';
import { removeFolder } from '../../../libs/runtimes/src/sandbox/remove-folder.js';
import { ApiClient } from '../../../services/cli/src/client/api-client.js';
import { WorkflowsApi } from '../../../services/cli/src/client/workflows-api.js';
import { type EmbeddedStack, startEmbeddedStack } from '../../../services/cli/src/embedded/embedded-stack.js';
import { patiently } from '../harness/patiently.js';

const NAMESPACE = 'argo';
const WAIT_MS = 60_000;
const s3 = await startS3({ buckets: ['main-store', 'other-store'] });

const folder = await mkdtemp(path.join(tmpdir(), 'argosy-artifacts-'));
const ability = await probeSandbox({ dataFolder: folder, hiddenPaths: [] });
const why =
  s3 === undefined
    ? missingPart('versitygw')
    : 'reason' in ability
      ? missingPart(`a working sandbox (${ability.reason})`)
      : undefined;

/** Everything that the language says of artifacts, in one workflow. */
const workflowText = (other: string): string => `
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: { name: features }
spec:
  entrypoint: main
  templates:
    - name: main
      steps:
        - - { name: make, template: make }
        - - name: take
            template: take
            arguments:
              artifacts:
                - { name: tarred, from: '{{steps.make.outputs.artifacts.tarred}}' }
                - { name: zipped, from: '{{steps.make.outputs.artifacts.zipped}}' }
                - { name: loose, from: '{{steps.make.outputs.artifacts.loose}}' }
                - { name: part, from: '{{steps.make.outputs.artifacts.loose}}', subPath: sub/run.sh }
                - { name: detected, s3: { key: packed/features.tgz } }
          - { name: list, template: list }
          - { name: elsewhere, template: elsewhere }
        - - name: global
            template: global
            arguments: { artifacts: [{ name: shared, from: '{{workflow.outputs.artifacts.everywhere}}' }] }
      outputs:
        artifacts:
          - name: chosen
            fromExpression: "steps.make.exitCode == '0' ? steps.make.outputs.artifacts.single : steps.make.outputs.artifacts.tarred"
    - name: make
      container:
        image: busybox
        command: [bash, -c]
        args:
          - |
            mkdir -p /tmp/tree/sub; echo a > /tmp/tree/a; echo run > /tmp/tree/sub/run.sh; chmod 755 /tmp/tree/sub/run.sh; echo one > /tmp/single
      outputs:
        artifacts:
          - { name: tarred, path: /tmp/tree, archive: { tar: { compressionLevel: 9 } } }
          - { name: zipped, path: /tmp/tree, archive: { zip: {} } }
          - { name: loose, path: /tmp/tree, archive: { none: {} }, s3: { key: loose/features } }
          - { name: packed, path: /tmp/tree, s3: { key: packed/features.tgz } }
          - { name: single, path: /tmp/single, archive: { none: {} }, globalName: everywhere }
          - { name: absent, path: /tmp/absent, optional: true }
    - name: take
      inputs:
        artifacts:
          - { name: tarred, path: /in/tarred, mode: 448, recurseMode: true }
          - { name: zipped, path: /in/zipped, archive: { zip: {} } }
          - { name: loose, path: /in/loose, archive: { none: {} } }
          - { name: part, path: /in/part, mode: 256, archive: { none: {} } }
          - { name: detected, path: /in/detected }
          - { name: absent, path: /in/absent, optional: true }
      script:
        image: busybox
        command: [bash]
        source: cd /in && find . -type f -printf '%P %m ' -exec cat {} \\; | sort > /tmp/seen
      outputs: { parameters: [{ name: seen, valueFrom: { path: /tmp/seen } }] }
    - name: list
      data:
        source: { artifactPaths: { name: all, s3: { key: loose } } }
        transformation: [{ expression: 'filter(data, {# endsWith ".sh"})' }]
    - name: elsewhere
      archiveLocation: { archiveLogs: true, s3: ${other} }
      script: { image: busybox, command: [bash], source: 'echo logged | tee /tmp/out' }
      outputs: { artifacts: [{ name: out, path: /tmp/out, archive: { none: {} } }] }
    - name: global
      inputs: { artifacts: [{ name: shared, path: /in/shared, archive: { none: {} } }] }
      script: { image: busybox, command: [bash], source: cat /in/shared > /tmp/seen }
      outputs: { parameters: [{ name: seen, valueFrom: { path: /tmp/seen } }] }
`;

describe.skipIf(why !== undefined)(`what a workflow may say of its artifacts ${why ?? ''}`, () => {
  let stack: EmbeddedStack;
  let api: WorkflowsApi;
  let drivers: ArtifactDrivers;
  let workflow: Workflow;
  const secrets: Record<string, string> = { access: s3?.accessKey ?? '', secret: s3?.secretKey ?? '' };
  const block = (bucket: string): KubernetesObject => ({
    ...{ endpoint: s3?.endpoint ?? '', bucket, insecure: true },
    accessKeySecret: { name: 'keys', key: 'access' },
    secretKeySecret: { name: 'keys', key: 'secret' },
  });
  const keysOf = async (bucket: string): Promise<string[]> => {
    const location = { s3: { ...block(bucket), key: '' } };
    const keys: string[] = [];
    for await (const { key } of drivers.driverFor(location, { namespace: NAMESPACE }).list(location)) keys.push(key);
    return keys.sort();
  };
  const nodeOf = (displayName: string): NodeStatus | undefined =>
    Object.values(workflow.status?.nodes ?? {}).find((node) => node.displayName === displayName);

  beforeAll(async () => {
    stack = await startEmbeddedStack({
      dataDir: path.join(folder, 'data'),
      runtime: 'sandbox',
      port: 0,
      queuesWrite: false,
      logger: createLogger({ program: 'artifacts', level: 'error', format: 'text' }),
    });
    drivers = createArtifactDrivers({ clock: { nowMs: () => Date.now() }, readSecret: async ({ key }) => secrets[key] });
    const client = new ApiClient({ baseUrl: stack.url, headers: {} });
    api = new WorkflowsApi(client, NAMESPACE);
    const apply = (kind: string, name: string, object: object): Promise<unknown> =>
      client.send('PUT', `/api/argosy/v1/resources/${kind}/${NAMESPACE}/${name}`, {
        apiVersion: 'v1',
        metadata: { name },
        ...object,
      });
    await apply('secrets', 'keys', { kind: 'Secret', stringData: secrets });
    await apply('configmaps', 'artifact-repositories', {
      kind: 'ConfigMap',
      metadata: {
        name: 'artifact-repositories',
        annotations: { 'workflows.argoproj.io/default-artifact-repository': 'usual' },
      },
      data: { usual: JSON.stringify({ s3: { ...block('main-store'), keyFormat: 'runs/{{workflow.name}}/{{pod.name}}' } }) },
    });
    const other = JSON.stringify({ ...block('other-store'), key: 'of-template/{{pod.name}}' });
    const [manifest] = parseManifests(workflowText(other));
    await api.create(manifest?.value as unknown as Workflow);
    await patiently(
      async () => {
        workflow = await api.get('features');
        return isFinishedWorkflowPhase(workflow.status?.phase ?? '');
      },
      () => `the workflow ends: ${JSON.stringify(workflow.status)}`,
      WAIT_MS,
    );
  });
  afterAll(async () => {
    await stack?.stop();
    drivers?.close();
    await s3?.stop();
    await removeFolder(folder);
  });

  const seenBy = (displayName: string): unknown => nodeOf(displayName)?.outputs?.parameters?.[0]?.value;

  it('holds: all that was made arrives as it is asked for', () => {
    expect([workflow.status?.phase, workflow.status?.message]).toEqual(['Succeeded', undefined]);
    expect(String(seenBy('take')).split('\n')).toEqual([
      'detected/a 644 a',
      'detected/sub/run.sh 755 run',
      'loose/a 644 a',
      'loose/sub/run.sh 644 run',
      'part 400 run',
      'tarred/a 700 a',
      'tarred/sub/run.sh 700 run',
      'zipped/a 644 a',
      'zipped/sub/run.sh 755 run',
    ]);
    expect(seenBy('global')).toBe('one');
    expect(nodeOf('list')?.outputs?.result).toBe('["loose/features/sub/run.sh"]');
  });

  it('lies in the repository under the keys of its format, or where it says', async () => {
    const pod = (displayName: string): string => {
      const { id = '', templateName = '' } = nodeOf(displayName) ?? {};
      return `features-${templateName}-${id.slice('features-'.length)}`;
    };
    expect(await keysOf('main-store')).toEqual(
      [
        'loose/features/a',
        'loose/features/sub/run.sh',
        'packed/features.tgz',
        ...['single', 'tarred.tgz', 'zipped.zip'].map((file) => `runs/features/${pod('make')}/${file}`),
      ].sort(),
    );
    expect(await keysOf('other-store')).toEqual(['main.log', 'out'].map((file) => `of-template/${pod('elsewhere')}/${file}`));
  });

  it('is told in the status, without what is not there', () => {
    expect(nodeOf('features')?.outputs?.artifacts).toEqual([
      expect.objectContaining({ name: 'chosen', s3: expect.objectContaining({ key: expect.stringMatching(/\/single$/) }) }),
    ]);
    expect(nodeOf('make')?.outputs?.artifacts?.map(({ name }) => name)).toEqual([
      'tarred',
      'zipped',
      'loose',
      'packed',
      'single',
    ]);
    expect(workflow.status?.outputs?.artifacts?.map(({ name }) => name)).toEqual(['everywhere']);
    expect(workflow.status?.artifactRepositoryRef).toMatchObject({
      configMap: 'artifact-repositories',
      key: 'usual',
      namespace: NAMESPACE,
    });
  });
});
