import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startServerUnderTest, type ServerUnderTest } from './server-under-test.js';

const abilities = {
  title: 'the sandbox',
  tty: false,
  otherUsers: true,
  securityFields: [],
  capabilities: [],
  volumeKinds: ['emptyDir'],
  hostPaths: [],
  hooks: ['exec'],
  probes: ['exec'],
};
const container = { image: 'sim', command: ['sim'] };
const workflow = (name: string, template: object, spec: object = {}) => ({
  workflow: { metadata: { name }, spec: { entrypoint: 'main', templates: [{ name: 'main', container, ...template }], ...spec } },
});
const withTty = { container: { ...container, tty: true } };

let server: ServerUnderTest;
beforeAll(async () => {
  server = await startServerUnderTest();
  await server.store.podHosts.upsert({ host: 'one', url: '', runtime: 'sandbox', abilities, seenAtMs: Date.now() });
});
afterAll(() => server.close());

const create = async (
  body: unknown,
  path = '',
): Promise<{ status: number; message: string | undefined; warning: string | null }> => {
  const response = await fetch(`${server.url}/api/v1/workflows/argo${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const { message } = (await response.json()) as { message?: string };
  return { status: response.status, message, warning: response.headers.get('warning') };
};

describe('a workflow that no host can run', () => {
  const message = 'template main: container.tty is not supported by the sandbox';

  it('is refused by the names of its fields, when it is submitted and when it is linted', async () => {
    expect(await create(workflow('tty', withTty))).toMatchObject({ status: 400, message });
    expect(await create(workflow('tty', withTty), '/lint')).toMatchObject({ status: 400, message });
  });

  it('is refused as well where it comes from a template', async () => {
    const template = { metadata: { name: 'shared' }, spec: workflow('', withTty).workflow.spec };
    await server.request('POST', '/api/v1/workflow-templates/argo', { template });
    const byReference = { workflow: { metadata: { name: 'by-reference' }, spec: { workflowTemplateRef: { name: 'shared' } } } };
    expect(await create(byReference)).toMatchObject({ status: 400, message });
    const call = { name: 'a', templateRef: { name: 'shared', template: 'main' } };
    expect(await create(workflow('by-call', { container: undefined, steps: [[call]] }))).toMatchObject({ status: 400, message });
  });

  it('is not refused for what only places it; the answer warns', async () => {
    const placed = workflow('placed', {}, { nodeSelector: { disk: 'ssd' } });
    expect(await create(placed)).toEqual({
      status: 200,
      message: undefined,
      warning: '299 - "spec: field nodeSelector may have no effect on this runtime"',
    });
  });

  it('is refused in the words of Kubernetes where it lacks what that requires', async () => {
    const mounting = { container: { ...container, volumeMounts: [{ name: 'a' }] } };
    expect(await create(workflow('mounts', mounting))).toMatchObject({
      status: 400,
      message: 'Workflow.argoproj.io "mounts" is invalid: spec.templates[0].container.volumeMounts[0].mountPath: Required value',
    });
  });
});
