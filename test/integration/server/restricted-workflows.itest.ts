import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '#libs/testing';
import { startStackUnderTest, type StackUnderTest } from './stack-under-test.js';

const NAMESPACE = 'fenced';
const CONFIG = '/api/argosy/v1/resources/configmaps/argo/workflow-controller-configmap';

let stack: StackUnderTest;

interface Workflow {
  metadata: { name: string };
  spec: { serviceAccountName?: string };
  status: { phase?: string; message?: string; nodes?: Record<string, unknown> };
}
type Body = Workflow & { items: Workflow[] | null; navColor?: string };

const CREDENTIAL = { authorization: 'Bearer somebody' };

async function call(method: string, path: string, body?: unknown): Promise<Body> {
  const response = await fetch(stack.url + path, {
    method,
    headers: { ...CREDENTIAL, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const answer = (await response.json()) as Body;
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${JSON.stringify(answer)}`);
  return answer;
}
const at = (...path: string[]): string => `/api/v1/workflows/${[NAMESPACE, ...path].join('/')}`;
const create = async (workflow: object): Promise<string> => (await call('POST', at(), { workflow })).metadata.name;

/** How a workflow has ended. */
async function ended(name: string): Promise<Workflow['status']> {
  let status: Workflow['status'] = {};
  const hasEnded = async (): Promise<boolean> => {
    ({ status } = await call('GET', at(name)));
    return ['Succeeded', 'Failed', 'Error'].includes(status.phase ?? '');
  };
  await eventually(hasEnded, () => `${name} is ${status.phase ?? 'new'}`);
  return status;
}
const found = async (prefix: string): Promise<string> => {
  const names = async (): Promise<string[]> => ((await call('GET', at())).items ?? []).map(({ metadata }) => metadata.name);
  await eventually(async () => (await names()).some((name) => name.startsWith(prefix)), `a workflow ${prefix}…`);
  return (await names()).find((name) => name.startsWith(prefix)) ?? '';
};
const expectRefused = async (name: string, what: string | RegExp): Promise<void> => {
  const { phase, message, nodes } = await ended(name);
  expect({ phase, nodes: nodes ?? {} }).toEqual({ phase: 'Error', nodes: {} });
  expect(message).toMatch(what);
};

const main = { name: 'main', container: { image: 'sim', command: ['sim'], args: ['{{workflow.parameters.args}}'] } };
const approved = {
  metadata: { name: 'approved', namespace: NAMESPACE },
  spec: { entrypoint: 'main', arguments: { parameters: [{ name: 'args', value: 'result=1' }] }, templates: [main] },
};
const naming = (spec: object = {}): object => ({ workflowTemplateRef: { name: 'approved' }, ...spec });
const FREE = { entrypoint: 'main', templates: [{ ...main, container: { ...main.container, args: ['exit=1'] } }] };

beforeAll(async () => {
  stack = await startStackUnderTest();
  await call('POST', `/api/v1/workflow-templates/${NAMESPACE}`, { template: approved });
  await create({ metadata: { name: 'before' }, spec: FREE });
  await ended('before');
  await call('PUT', CONFIG, {
    metadata: { name: 'workflow-controller-configmap', namespace: 'argo' },
    data: { workflowRestrictions: 'templateReferencing: Strict', navColor: 'red' },
  });
  await eventually(async () => (await call('GET', '/api/v1/info')).navColor === 'red', 'restrictions are in effect');
}, 120_000);
afterAll(() => stack.close());

const ALONE = /workflows must use workflowTemplateRef/;
const ACCOUNT = /fields serviceAccountName must come from the WorkflowTemplate/;

describe('whoever may submit under restrictions runs templates and nothing else', () => {
  it('by the API: created, submitted with options, and submitted again', async () => {
    expect((await ended(await create({ metadata: { name: 'good' }, spec: naming() }))).phase).toBe('Succeeded');
    await expectRefused(await create({ metadata: { name: 'own' }, spec: FREE }), ALONE);
    await expectRefused(
      await create({ metadata: { name: 'patched' }, spec: naming({ podSpecPatch: 'hostNetwork: true' }) }),
      /fields podSpecPatch/,
    );
    const submitOptions = { name: 'as-admin', serviceAccount: 'admin' };
    const request = { resourceKind: 'WorkflowTemplate', resourceName: 'approved', submitOptions };
    await call('POST', at('submit'), request);
    await expectRefused('as-admin', ACCOUNT);
    const again = (await call('PUT', at('before', 'resubmit'), { parameters: [] })).metadata.name;
    await expectRefused(again, ALONE);
  });

  it('by a retry of what ran before there were restrictions, or was refused', async () => {
    for (const name of ['before', 'own']) {
      await call('PUT', at(name, 'retry'), {});
      const { message } = await ended(name);
      expect(message).toMatch(ALONE);
    }
    expect(Object.keys((await call('GET', at('before'))).status.nodes ?? {})).toEqual([]);
  });

  it('by a schedule', async () => {
    const cronWorkflow = {
      metadata: { name: 'ticking' },
      spec: { schedules: ['@every 1s'], workflowSpec: naming({ serviceAccountName: 'admin' }) },
    };
    await call('POST', `/api/v1/cron-workflows/${NAMESPACE}`, { cronWorkflow });
    await expectRefused(await found('ticking-'), ACCOUNT);
    await call('DELETE', `/api/v1/cron-workflows/${NAMESPACE}/ticking`);
  });

  it('by an event, whose values fill in the patch of a template and do not add to it', async () => {
    const podSpecPatch = '{"containers":[{"name":"main","resources":{"limits":{"memory":"{{workflow.parameters.memory}}"}}}]}';
    const spec = {
      ...approved.spec,
      arguments: { parameters: [{ name: 'args', value: 'result=1' }, { name: 'memory' }] },
      podSpecPatch,
    };
    await call('POST', `/api/v1/workflow-templates/${NAMESPACE}`, {
      template: { metadata: { name: 'sized', namespace: NAMESPACE }, spec },
    });
    await call('PUT', `/api/argosy/v1/resources/workfloweventbindings/${NAMESPACE}/sized`, {
      metadata: { name: 'sized', namespace: NAMESPACE },
      spec: {
        event: { selector: 'discriminator == "sized"' },
        submit: {
          workflowTemplateRef: { name: 'sized' },
          arguments: { parameters: [{ name: 'memory', valueFrom: { event: 'payload.memory' } }] },
          metadata: { generateName: '"sized-" + payload.name + "-"' },
        },
      },
    });
    const send = (name: string, memory: string): Promise<Body> =>
      call('POST', `/api/v1/events/${NAMESPACE}/sized`, { name, memory });
    await send('well', '1Gi');
    expect((await ended(await found('sized-well-'))).phase).toBe('Succeeded');
    await send('ill', '1Gi"}},"securityContext":{"privileged":true},"x":{"y":{"z":"');
    const { phase, message } = await ended(await found('sized-ill-'));
    expect({ phase, message }).toEqual({ phase: 'Error', message: expect.stringContaining('parameters may fill in values') });
  });
});
