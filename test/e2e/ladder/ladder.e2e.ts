import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLogger } from '#libs/observability';
import { hydrateRecord } from '#libs/store';
import { freePort } from '#libs/testing';
import { type NodeStatus, parseManifests, type Workflow } from '#libs/workflow-spec';
import { ApiClient } from '../../../services/cli/src/client/api-client.js';
import { WorkflowsApi } from '../../../services/cli/src/client/workflows-api.js';
import { type EmbeddedStack, startEmbeddedStack } from '../../../services/cli/src/embedded/embedded-stack.js';
import { whyNotBuilt } from '../cli/stack.js';
import { whyNoPlugin } from '../harness/example-plugin.js';
import { patiently } from '../harness/patiently.js';
import { argosy } from '../harness/program.js';

const reason = whyNotBuilt() ?? whyNoPlugin;
const NAMESPACE = 'argo';
const WAIT_MS = 60_000;
const MAX_WORKFLOW_SIZE = 10_240;
const PLUGIN = path.join(import.meta.dirname, '../../../examples/executor-plugin/hello-plugin.yaml');

/** A loop of a plugin's steps, and one of a container's after it that fails unless it is told otherwise. */
const LADDER = `
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: { generateName: ladder- }
spec:
  entrypoint: main
  arguments: { parameters: [{ name: count, value: "5" }, { name: exit, value: "1" }] }
  templates:
    - name: main
      steps:
        - - name: item
            template: hello
            arguments: { parameters: [{ name: number, value: "{{item}}" }] }
            withSequence: { count: "{{workflow.parameters.count}}" }
        - [{ name: last, template: last }]
    - name: hello
      inputs: { parameters: [{ name: number }] }
      plugin: { hello: { who: "{{inputs.parameters.number}}" } }
    - name: last
      container:
        image: busybox
        command: [sh, -c]
        args: ["echo after {{workflow.parameters.count}}; exit {{workflow.parameters.exit}}"]
`;

const stepsOf = (workflow: Workflow): NodeStatus[] =>
  Object.values(workflow.status?.nodes ?? {}).filter(({ type }) => type === 'Plugin');
/** How many different steps of the loop a text names. */
const stepsIn = (text: string): number => new Set([...text.matchAll(/item\((\d+):/g)].map(([, index]) => index)).size;

describe.skipIf(reason !== undefined)(`workflows of 5, 50 and 500 steps where a record may have 10 KiB ${reason ?? ''}`, () => {
  let stack: EmbeddedStack;
  let api: WorkflowsApi;
  let client: ApiClient;
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'argosy-ladder-'));
    await writeFile(path.join(folder, 'ladder.yaml'), LADDER);
    process.env['MAX_WORKFLOW_SIZE'] = String(MAX_WORKFLOW_SIZE);
    stack = await startEmbeddedStack({
      dataDir: path.join(folder, 'data'),
      runtime: 'sandbox',
      port: 0,
      queuesWrite: false,
      logger: createLogger({ program: 'ladder', level: 'error', format: 'text' }),
    });
    client = new ApiClient({ baseUrl: stack.url, headers: {} });
    api = new WorkflowsApi(client, NAMESPACE);
    // Plugins on the host's network share its ports, and another test runs this one beside this.
    const text = (await readFile(PLUGIN, 'utf8')).replaceAll('4355', String(await freePort('0.0.0.0')));
    const plugin = parseManifests(text)[0]?.value;
    await client.send('PUT', `/api/argosy/v1/resources/configmaps/${NAMESPACE}/hello-executor-plugin`, plugin);
    await putPersistence({ archive: true, nodeStatusOffLoad: false });
  });
  afterAll(async () => {
    delete process.env['MAX_WORKFLOW_SIZE'];
    await stack?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const putPersistence = (persistence: object): Promise<unknown> =>
    client.send('PUT', `/api/argosy/v1/resources/configmaps/${NAMESPACE}/workflow-controller-configmap`, {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'workflow-controller-configmap', namespace: NAMESPACE },
      data: { persistence: JSON.stringify(persistence) },
    });
  const cli = (...args: string[]): ReturnType<typeof argosy> => argosy([...args, '-n', NAMESPACE], { ARGO_SERVER: stack.url });
  /** The command's text, with the exit code that is expected. */
  const said = async (exitCode: number, ...args: string[]): Promise<string> => {
    const outcome = await cli(...args);
    expect({ args, ...outcome }).toMatchObject({ exitCode, stderr: '' });
    return outcome.stdout;
  };
  const expectSteps = (workflow: Workflow, count: number): void => {
    const steps = stepsOf(workflow);
    const others = steps
      .filter(({ phase }) => phase !== 'Succeeded')
      .map(({ name, phase, message }) => ({ name, phase, message }));
    expect({ steps: steps.length, others }).toEqual({ steps: count, others: [] });
    expect(workflow.status).not.toHaveProperty('compressedNodes');
    expect(workflow.status).not.toHaveProperty('offloadNodeStatusVersion');
  };

  it.each([
    [5, 'inline'],
    [50, 'compressed'],
    [500, 'offloaded'],
  ] as const)('of %i steps show them all, everywhere, while their record is %s', async (count, encoding) => {
    const name = `ladder-${count}`;
    const submit = ['submit', path.join(folder, 'ladder.yaml'), '--name', name, '-p', `count=${count}`];
    expect(stepsIn(await said(1, ...submit, '--watch'))).toBe(count);

    const failed = await api.get(name);
    expect(failed.status?.phase).toBe('Failed');
    expectSteps(failed, count);
    if (encoding === 'offloaded') {
      await expectRecord(failed, { count: 0, encoding: 'omitted' });
      await putPersistence({ archive: true, nodeStatusOffLoad: true });
    }
    await expectRecord(failed, { count, encoding });

    for await (const listed of api.list({ 'listOptions.fieldSelector': `metadata.name=${name}` })) expectSteps(listed, count);
    const events = client.stream<{ object: Workflow }>(`/api/v1/workflow-events/${NAMESPACE}`, {
      'listOptions.fieldSelector': `metadata.name=${name}`,
    });
    for await (const { object } of events) {
      expectSteps(object, count);
      break;
    }
    expect(stepsIn(await said(0, 'get', name))).toBe(count);
    expect(await said(0, 'list', '--status', 'Failed')).toMatch(new RegExp(`^${name} +Failed`, 'm'));
    expect(await said(0, 'logs', name)).toContain(`after ${count}\n`);

    await said(0, 'retry', name, '-p', 'exit=0', '--wait');
    const retried = await api.get(name);
    expectSteps(retried, count);
    const times = (workflow: Workflow) => stepsOf(workflow).map(({ id, finishedAt }) => [id, finishedAt]);
    expect([retried.status?.phase, times(retried)]).toEqual(['Succeeded', times(failed)]);

    const again = (await said(0, 'resubmit', name, '-p', 'exit=0', '-o', 'name')).trim();
    await said(0, 'wait', again);
    expectSteps(await api.get(again), count);

    const uid = retried.metadata.uid ?? '';
    await patiently(
      async () => (await client.get<Workflow>(`/api/v1/archived-workflows/${uid}`)).status?.phase === 'Succeeded',
      () => `${name} is archived`,
      WAIT_MS,
    );
    expectSteps(await client.get<Workflow>(`/api/v1/archived-workflows/${uid}`), count);
    expect(stepsIn(await said(0, 'archive', 'get', uid, '-o', 'yaml'))).toBe(count);
  });

  /** The record in Argo's format, as its own programs would read it. */
  const expectRecord = async (workflow: Workflow, expected: { count: number; encoding: string }): Promise<void> => {
    const { store } = stack;
    const { uid = '', name = '' } = workflow.metadata;
    let standing: Awaited<ReturnType<typeof store.records.standing>>;
    await patiently(
      async () => {
        standing = await store.records.standing(uid);
        const { mark, visibleVersion = 0 } = standing ?? {};
        return mark !== undefined && mark.version >= visibleVersion && mark.encoding === expected.encoding;
      },
      () => `the record of ${name} is ${expected.encoding}: ${JSON.stringify(standing)}`,
      WAIT_MS,
    );
    const found = await store.resources.find({ kind: 'Workflow', namespace: NAMESPACE, name });
    const record = found?.body as unknown as Workflow;
    expect(Buffer.byteLength(JSON.stringify(record))).toBeLessThanOrEqual(MAX_WORKFLOW_SIZE);
    const whole = await hydrateRecord(record, (version) => store.records.readOffloaded(uid, version));
    expect([whole.status?.phase, stepsOf(whole).length]).toEqual(['Failed', expected.count]);
  };
});
