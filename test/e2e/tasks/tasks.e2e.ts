import { mkdir, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseManifests, type NodeStatus, type Workflow } from '#libs/workflow-spec';
import { EmbeddedPlace, NAMESPACE } from '../harness/embedded-place.js';
import { patiently } from '../harness/patiently.js';

const WAIT_MS = 30_000;

let place: EmbeddedPlace;
let server: Server;
let url: string;
let isGateOpen = false;
const asked: { path: string; token: string | undefined }[] = [];

beforeAll(async () => {
  server = createServer((request, response) => {
    asked.push({ path: request.url ?? '', token: request.headers['x-token'] as string | undefined });
    if (request.url === '/fails') response.writeHead(500);
    if (request.url !== '/hangs' && (request.url !== '/gate' || isGateOpen)) response.end(`answer of ${request.url ?? ''}`);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  place = await EmbeddedPlace.open({ name: 'tasks', runtime: 'simulated' });
});

afterAll(async () => {
  await place?.close();
  server.closeAllConnections();
  server.close();
});

const submit = async (name: string, templates: string, spec = ''): Promise<void> => {
  const text = `
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: { name: ${name}, namespace: ${NAMESPACE} }
spec:
  entrypoint: main
${spec}
  templates:
${templates.replace(/^/gm, '    ')}`;
  const [manifest] = parseManifests(text);
  await place.api.create(manifest?.value as unknown as Workflow);
};

const ended = (name: string): Promise<Workflow> => place.ended(name, WAIT_MS);

const nodeOf = (workflow: Workflow, displayName: string): NodeStatus | undefined =>
  Object.values(workflow.status?.nodes ?? {}).find((node) => node.displayName === displayName);

describe('http templates', () => {
  it('give their answers to the steps after them, and fail by status', async () => {
    await place.client.send('PUT', `/api/argosy/v1/resources/secrets/${NAMESPACE}/creds`, {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'creds' },
      stringData: { token: 's3cret' },
    });
    await submit(
      'http',
      `
- name: main
  steps:
    - - { name: good, template: get, arguments: { parameters: [{ name: path, value: /good }] } }
      - { name: bad, template: get, continueOn: { failed: true }, arguments: { parameters: [{ name: path, value: /fails }] } }
    - - { name: again, template: get, arguments: { parameters: [{ name: path, value: '/{{=sprig.replace(" ", "-", steps.good.outputs.result)}}' }] } }
- name: get
  inputs: { parameters: [{ name: path }] }
  http:
    url: '${url}{{inputs.parameters.path}}'
    headers: [{ name: X-Token, valueFrom: { secretKeyRef: { name: creds, key: token } } }]
`,
    );
    const workflow = await ended('http');
    expect(workflow.status?.phase).toBe('Succeeded');
    expect(nodeOf(workflow, 'good')).toMatchObject({ type: 'HTTP', phase: 'Succeeded', outputs: { result: 'answer of /good' } });
    expect(nodeOf(workflow, 'bad')).toMatchObject({
      type: 'HTTP',
      phase: 'Failed',
      message: 'received non-2xx response code: 500',
    });
    expect(asked.find(({ path: asking }) => asking === '/answer-of-/good')?.token).toBe('s3cret');
    expect(JSON.stringify(workflow)).not.toContain('s3cret');
  });

  it('end when the workflow is terminated', async () => {
    await submit('hangs', `- { name: main, http: { url: '${url}/hangs' } }`);
    await patiently(
      async () => (await place.api.get('hangs')).status?.nodes?.['hangs']?.phase === 'Running',
      () => 'the request was not sent',
      WAIT_MS,
    );
    await place.client.send('PUT', `/api/v1/workflows/${NAMESPACE}/hangs/terminate`, { name: 'hangs' });
    expect((await ended('hangs')).status).toMatchObject({
      phase: 'Failed',
      message: "Stopped with strategy 'Terminate'",
    });
  });
});

describe('resource templates', () => {
  it('create, read, patch and delete what is kept here', async () => {
    await submit(
      'objects',
      `
- name: main
  steps:
    - - { name: create, template: create }
    - - { name: patch, template: patch }
    - - { name: read, template: read }
    - - { name: delete, template: delete }
- name: create
  resource:
    action: create
    manifest: |
      apiVersion: v1
      kind: ConfigMap
      metadata: { generateName: made-, labels: { made: 'by-objects' } }
      data: { some: '{"one": "foo", "list": [1, 2]}' }
  outputs: { parameters: [{ name: name, valueFrom: { jsonPath: '{.metadata.name}' }, globalName: made }] }
- name: patch
  resource:
    action: patch
    mergeStrategy: json
    flags: [configmap, '{{workflow.outputs.parameters.made}}']
    manifest: '[{ "op": "add", "path": "/data/more", "value": "yes" }]'
- name: read
  resource:
    action: get
    successCondition: data.more == yes
    flags: [cm, '{{workflow.outputs.parameters.made}}']
  outputs:
    parameters:
      - { name: text, valueFrom: { jqFilter: '.data.some | fromjson | .one' } }
      - { name: list, valueFrom: { jqFilter: '.data.some | fromjson | .list' } }
- name: delete
  resource: { action: delete, flags: [configmap, --selector, 'made=by-objects'] }
`,
    );
    const workflow = await ended('objects');
    expect(workflow.status).toMatchObject({ phase: 'Succeeded', progress: '4/4' });
    const lines: string[] = [];
    for await (const { content } of place.api.logs('objects', { 'logOptions.container': 'main' })) lines.push(content ?? '');
    expect(lines.filter((line) => /(created|patched|deleted)$/.test(line))).toHaveLength(3);
    const outputs = nodeOf(workflow, 'read')?.outputs;
    expect(outputs).toMatchObject({ exitCode: '0', parameters: [{ value: 'foo' }, { value: '[1,2]\n' }] });
    const name = nodeOf(workflow, 'create')?.outputs?.parameters?.[0]?.value ?? '';
    await expect(place.client.get(`/api/argosy/v1/resources/configmaps/${NAMESPACE}/${name}`)).rejects.toThrow('not found');
  });

  it('fail in the words of kubectl', async () => {
    await submit(
      'deploys',
      `
- name: main
  resource: { action: create, manifest: '{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "x"}}' }`,
    );
    expect((await ended('deploys')).status?.message).toBe(
      'main: Error (exit code 64): no more retries error: no matches for kind "Deployment" in version "apps/v1": objects of this kind need Kubernetes, and there is none here',
    );
    await submit(
      'absent',
      `
- name: main
  resource: { action: get, manifest: '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}}' }`,
    );
    expect((await ended('absent')).status?.message).toBe(
      'main: Error (exit code 64): no more retries Error from server (NotFound): configmaps "x" not found',
    );
  });
});

describe('workflows of workflows', () => {
  const child = (exit: string): string => `
    manifest: |
      apiVersion: argoproj.io/v1alpha1
      kind: Workflow
      metadata: { generateName: child- }
      spec:
        entrypoint: main
        templates: [{ name: main, container: { image: sim, args: ['ms=50', 'exit=${exit}'] } }]
    successCondition: status.phase == Succeeded
    failureCondition: status.phase in (Failed, Error)`;

  it('wait for the end of the other one', async () => {
    await submit(
      'parent',
      `
- name: main
  resource:
    action: create${child('0')}
  outputs: { parameters: [{ name: child, valueFrom: { jsonPath: '{.metadata.name}' } }] }`,
    );
    const workflow = await ended('parent');
    expect(workflow.status?.phase).toBe('Succeeded');
    const name = workflow.status?.nodes?.['parent']?.outputs?.parameters?.[0]?.value ?? '';
    expect((await place.api.get(name)).status?.phase).toBe('Succeeded');
  });

  it('fail with it', async () => {
    await submit(
      'sad-parent',
      `
- name: main
  resource:
    action: create${child('1')}`,
    );
    expect((await ended('sad-parent')).status?.message).toBe(
      "main: Error (exit code 64): failure condition '{status.phase in [Error Failed]}' evaluated true",
    );
  });
});

describe('data templates', () => {
  it('list and change paths, and give them as JSON', async () => {
    const folder = path.join(place.folder, 'data/artifacts/some/folder');
    await mkdir(folder, { recursive: true });
    for (const name of ['main.log', 'other.txt']) await writeFile(path.join(folder, name), 'text');
    const listing = (name: string, place: string): Promise<void> =>
      submit(
        name,
        `
- name: main
  steps:
    - - { name: list, template: list }
    - - { name: each, template: each, withParam: '{{steps.list.outputs.result}}', arguments: { parameters: [{ name: at, value: '{{item}}' }] } }
- name: list
  data:
    source: { artifactPaths: { name: all, filesystem: ${place} } }
    transformation: [{ expression: 'filter(data, {# endsWith "main.log"})' }, { expression: 'map(data, {# + "!"})' }]
- name: each
  inputs: { parameters: [{ name: at }] }
  container: { image: sim, args: ['result={{inputs.parameters.at}}'] }
`,
      );
    await listing('listing', '{ key: some/folder }');
    await listing('everything', '{}');
    for (const name of ['listing', 'everything']) {
      const workflow = await ended(name);
      expect(workflow.status).toMatchObject({ phase: 'Succeeded' });
      expect(nodeOf(workflow, 'list')?.outputs).toEqual({ result: '["some/folder/main.log!"]', exitCode: '0' });
      expect(nodeOf(workflow, 'each(0:some/folder/main.log!)')?.phase).toBe('Succeeded');
    }
  });
});

describe('tasks of a program that has ended', () => {
  it('are done again by its successor: a request is sent again, what was made is found', async () => {
    await submit(
      'across',
      `
- name: main
  dag: { tasks: [{ name: ask, template: ask }, { name: make, template: make }] }
- name: ask
  http: { url: '${url}/gate' }
- name: make
  resource:
    action: create
    manifest: |
      apiVersion: argoproj.io/v1alpha1
      kind: Workflow
      metadata: { generateName: waiting-, labels: { made-by: across } }
      spec: { entrypoint: main, templates: [{ name: main, suspend: {} }] }
    successCondition: status.phase == Succeeded
`,
    );
    const children = async (): Promise<string[]> => {
      const page = await place.store.workflows.listPage({
        namespace: NAMESPACE,
        labels: [{ key: 'made-by', operator: 'in', values: ['across'] }],
      });
      return page.rows.map(({ name }) => name);
    };
    const requests = (): number => asked.filter(({ path: asking }) => asking === '/gate').length;
    await patiently(
      async () => (await children()).length === 1 && requests() === 1,
      () => `${requests()} requests`,
      WAIT_MS,
    );
    await place.restart(() => {
      isGateOpen = true;
    });
    await patiently(
      async () => requests() === 2,
      () => `${requests()} requests`,
      WAIT_MS,
    );
    const [child = '', ...others] = await children();
    expect(others).toEqual([]);
    await place.client.send('PUT', `/api/v1/workflows/${NAMESPACE}/${child}/resume`, { name: child });
    const workflow = await ended('across');
    expect(workflow.status?.phase).toBe('Succeeded');
    expect(nodeOf(workflow, 'ask')?.outputs?.result).toBe('answer of /gate');
  });
});
