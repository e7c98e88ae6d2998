import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Artifact } from '#libs/workflow-spec';
import { startServerUnderTest, type ServerUnderTest } from './server-under-test.js';

const SANDBOX = "sandbox; base-uri 'none'; default-src 'none'; img-src 'self'; style-src 'self' 'unsafe-inline'";
const filesystem = (name: string, key: string): Artifact => ({ name, path: '/x', filesystem: { key } });
const OBJECTS: Record<string, string> = {
  'wf/main.tgz': 'packed',
  'wf/in.json': '{}',
  'wf/odd/gr"üße.txt': 'odd',
  'wf/tree/a & b.txt': 'A',
  'wf/tree/sub/c.html': '<b>c</b>',
  'wf/site/index.html': '<h1>site</h1>',
  'wf/site/style.css': 'b {}',
};

describe('artifacts over HTTP', () => {
  let server: ServerUnderTest;
  const get = (path: string, init: RequestInit = {}): Promise<Response> =>
    fetch(`${server.url}${path}`, { redirect: 'manual', ...init });
  const textAt = async (path: string): Promise<string> => (await get(path)).text();
  const files = (artifact: string, direction = 'outputs'): string =>
    `/artifact-files/team/workflows/wf/n-1/${direction}/${artifact}`;

  beforeAll(async () => {
    server = await startServerUnderTest({ environment: { ARTIFACT_REPOSITORY: '{"filesystem":{}}', MAX_UPLOAD: '1Mi' } });
    const { store, ports } = server;
    for (const [key, text] of Object.entries(OBJECTS)) {
      const location = { filesystem: { key } };
      await ports.artifacts.driverFor(location, { namespace: 'team' }).save(location, Readable.from([Buffer.from(text)]));
    }
    await store.workflows.insert({
      submitted: { metadata: { uid: 'u-1', namespace: 'team', name: 'wf' }, spec: {} },
      createdAtMs: 1,
    });
    const outputs = {
      artifacts: [
        filesystem('main', 'wf/main.tgz'),
        filesystem('odd', 'wf/odd/gr"üße.txt'),
        filesystem('tree', 'wf/tree'),
        filesystem('site', 'wf/site'),
        filesystem('lost', 'wf/lost'),
        { ...filesystem('gone', 'wf/gone'), deleted: true },
      ],
    };
    await store.workflowState.commit({
      ...{ uid: 'u-1', expectedVersion: 0, nowMs: Date.now() },
      header: { engineLevel: 1, labels: {}, annotations: {}, internal: {}, status: { phase: 'Running' } },
      nodes: [
        {
          ...{ id: 'n-1', parents: [], ordinal: 0 },
          status: {
            ...{ id: 'n-1', name: 'wf', displayName: 'wf', type: 'Pod', phase: 'Succeeded' },
            inputs: { artifacts: [filesystem('in', 'wf/in.json')] },
            outputs,
          },
        },
      ],
    });
  });
  afterAll(async () => server.close());

  it('are sent as they are stored, under their file name, in a sandbox', async () => {
    const answer = await get('/artifacts/team/wf/n-1/main');
    expect(await answer.text()).toBe('packed');
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'content-type': 'application/gzip',
      'content-disposition': 'filename="main.tgz"',
      'content-security-policy': SANDBOX,
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'SAMEORIGIN',
    });
  });

  it('are found by name and by uid, among outputs and inputs', async () => {
    for (const path of ['/artifacts/team/wf/n-1/main', '/artifacts-by-uid/u-1/n-1/main', files('main')])
      expect(await textAt(path)).toBe('packed');
    for (const path of ['/input-artifacts/team/wf/n-1/in', '/input-artifacts-by-uid/u-1/n-1/in', files('in', 'inputs')])
      expect(await textAt(path)).toBe('{}');
    expect(await textAt('/artifact-files/team/archived-workflows/u-1/n-1/outputs/main')).toBe('packed');
  });

  it('with names beyond ASCII have both forms of them', async () => {
    const { headers } = await get('/artifacts/team/wf/n-1/odd');
    expect(headers.get('content-disposition')).toBe(`filename="gr___e.txt"; filename*=UTF-8''gr%22%C3%BC%C3%9Fe.txt`);
  });

  it('answer HEAD without reading the object', async () => {
    const answer = await get('/artifacts/team/wf/n-1/main', { method: 'HEAD' });
    expect([answer.status, answer.headers.get('content-length'), await answer.text()]).toEqual([200, '6', '']);
  });

  it('that are folders are lists of links, which lead to their files', async () => {
    const redirect = await get(files('tree'));
    expect([redirect.status, redirect.headers.get('location')]).toEqual([307, './tree/']);
    const list = await get(`${files('tree')}/`);
    expect(list.headers.get('content-security-policy')).toBe(SANDBOX);
    const page = await list.text();
    expect(page).toContain('<a href="./a%20%26%20b.txt">a &amp; b.txt</a>');
    expect(page).toContain('<a href="./sub/">sub/</a>');
    expect(await textAt(`${files('tree')}/a%20%26%20b.txt`)).toBe('A');
    const page2 = await get(`${files('tree')}/sub/c.html`);
    expect([page2.headers.get('content-type'), await page2.text()]).toEqual(['text/html; charset=utf-8', '<b>c</b>']);
  });

  it('that are folders with a page of their own show that', async () => {
    const redirect = await get(`${files('site')}/`);
    expect([redirect.status, redirect.headers.get('location')]).toEqual([307, './index.html']);
    expect(await textAt(`${files('site')}/index.html`)).toBe('<h1>site</h1>');
  });

  it.each([
    ['/artifacts/team/wf/n-1/none', 404, 'artifact "none" not found'],
    ['/artifacts/team/wf/n-1/lost', 404, "the artifact's object was not found"],
    ['/artifacts/team/wf/n-1/gone', 404, 'artifact "gone" was deleted'],
    ['/artifacts/team/wf/n-2/main', 404, 'node "n-2" not found'],
    [`/artifact-files/other/archived-workflows/u-1/n-1/outputs/main`, 404, 'not found'],
    [`/artifact-files/team/workflows/wf/n-1/sideways/main`, 400, 'either of inputs or of outputs'],
    [`/artifact-files/team/workflows/wf/n-1/outputs/tree/%2e%2e%2fmain.tgz`, 400, 'must not leave the artifact'],
  ])('that cannot be had say so as plain text: %s', async (path, status, message) => {
    const answer = await get(path);
    const said = await answer.text();
    expect([answer.status, answer.headers.get('content-type')]).toEqual([status, 'text/plain; charset=utf-8']);
    expect(said).toContain(message);
  });

  describe('uploaded for a template', () => {
    const upload = (artifact: string, content: Blob, template = 'takes'): Promise<Response> => {
      const form = new FormData();
      form.set('file', content, '../../my file.csv');
      return get(`/upload-artifacts/team/${template}/${artifact}`, { method: 'POST', body: form });
    };

    beforeAll(async () => {
      const template = {
        metadata: { name: 'takes' },
        spec: {
          entrypoint: 'main',
          arguments: { artifacts: [{ name: 'data', s3: { key: 'samples/data' } }] },
          templates: [
            {
              name: 'main',
              inputs: {
                artifacts: [
                  { name: 'data', path: '/data' },
                  { name: 'more', path: '/more', optional: true },
                ],
              },
              container: { image: 'x', command: ['true'] },
            },
          ],
        },
      };
      expect(await server.request('POST', '/api/v1/workflow-templates/team', { template })).toMatchObject({
        status: 200,
        body: {},
      });
    });

    it('lie in the repository of such a workflow, under a key of their own, which a submit takes', async () => {
      const uploaded = (await (await upload('data', new Blob(['a,b\n1,2\n']))).json()) as { name: string; key: string };
      expect(uploaded).toEqual({
        name: 'data',
        key: expect.stringMatching(/^uploads\/team\/takes\/data\/[-0-9a-f]{36}\/my_file\.csv$/),
      });
      const location = { filesystem: { key: uploaded.key } };
      const stored = await server.ports.artifacts.driverFor(location, { namespace: 'team' }).load(location);
      expect(Buffer.concat(await stored.toArray()).toString()).toBe('a,b\n1,2\n');
      const { status, body } = await server.request('POST', '/api/v1/workflows/team/submit', {
        resourceKind: 'WorkflowTemplate',
        resourceName: 'takes',
        submitOptions: { artifacts: [`${uploaded.name}=${uploaded.key}`] },
      });
      expect([status, body]).toMatchObject([
        200,
        { spec: { arguments: { artifacts: [{ name: 'data', s3: { key: uploaded.key } }] } } },
      ]);
    });

    it('may be inputs of the entrypoint', async () => {
      expect((await upload('more', new Blob(['x']))).status).toBe(200);
    });

    it('are refused where nobody takes them, they are too large, or no file', async () => {
      expect((await upload('other', new Blob(['x']))).status).toBe(404);
      expect((await upload('data', new Blob(['x']), 'none')).status).toBe(404);
      const large = await upload('data', new Blob(['x'.repeat(1024 ** 2 + 1)]));
      expect([large.status, await large.text()]).toEqual([413, 'the file is larger than 1048576 bytes\n']);
      const json = await server.request('POST', '/upload-artifacts/team/takes/data', {}).catch((error: unknown) => error);
      expect(json).toBeInstanceOf(SyntaxError);
    });

    it('are refused for pages of other sites', async () => {
      const body = new FormData();
      body.set('file', new Blob(['x']));
      const answer = await get('/upload-artifacts/team/takes/data', {
        method: 'POST',
        body,
        headers: { origin: 'https://evil.example' },
      });
      expect(answer.status).toBe(403);
    });
  });
});
