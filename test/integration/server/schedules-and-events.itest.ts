import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '#libs/testing';
import { startStackUnderTest, type StackUnderTest } from './stack-under-test.js';

let stack: StackUnderTest;
beforeAll(async () => {
  stack = await startStackUnderTest();
});
afterAll(() => stack.close());

interface Listed {
  metadata: { name: string; labels?: Record<string, string>; annotations?: Record<string, string> };
  spec: { arguments?: { parameters?: { name: string; value: string }[] }; activeDeadlineSeconds?: number };
  status: { phase?: string; message?: string; outputs?: unknown; nodes?: Record<string, { outputs?: { result?: string } }> };
}
interface Finding {
  name: string;
  state: string;
  message: string;
}
type Body = Listed & { items: Listed[] | null; links?: unknown; navColor?: string; findings?: Finding[] };

async function call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Body> {
  const response = await fetch(stack.url + path, {
    method,
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const answer = (await response.json()) as Body;
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${JSON.stringify(answer)}`);
  return answer;
}
const put = (kind: string, namespace: string, name: string, body: object): Promise<Body> =>
  call('PUT', `/api/argosy/v1/resources/${kind}/${namespace}/${name}`, body);
/** Those that are there; the list of the API has those of the archive too. */
const workflows = async (namespace: string): Promise<Listed[]> =>
  ((await call('GET', `/api/v1/workflows/${namespace}`)).items ?? []).filter(
    ({ metadata }) => metadata.labels?.['workflows.argoproj.io/workflow-archiving-status'] !== 'Persisted',
  );

const sim = (...args: string[]): object => ({
  entrypoint: 'main',
  templates: [{ name: 'main', container: { image: 'sim', command: ['sim'], args } }],
});

describe('CronWorkflows', () => {
  it('run on their schedule, keep a history, and take their runs with them when they are deleted', async () => {
    await call('POST', '/api/v1/cron-workflows/ticking', {
      cronWorkflow: {
        metadata: { name: 'every-second' },
        spec: { schedules: ['@every 1s'], successfulJobsHistoryLimit: 2, workflowSpec: sim('result=x') },
      },
    });
    const succeeded = async (): Promise<number> =>
      ((await call('GET', '/api/v1/cron-workflows/ticking/every-second')).status as { succeeded?: number }).succeeded ?? 0;
    await eventually(async () => (await succeeded()) >= 4, 'four runs have succeeded', 30_000);
    await call('PUT', '/api/v1/cron-workflows/ticking/every-second/suspend');
    await eventually(async () => (await workflows('ticking')).length === 2, 'two runs are left', 30_000);
    const [run] = await workflows('ticking');
    expect(run?.metadata.name).toMatch(/^every-second-\d{10}$/);
    expect(run?.metadata.labels).toMatchObject({ 'workflows.argoproj.io/cron-workflow': 'every-second' });
    await call('DELETE', '/api/v1/cron-workflows/ticking/every-second');
    await eventually(async () => (await workflows('ticking')).length === 0, 'no run is left', 30_000);
  }, 90_000);

  it('keep their status when a client puts back what it read earlier', async () => {
    const path = '/api/v1/cron-workflows/edited';
    await call('POST', path, {
      cronWorkflow: { metadata: { name: 'a' }, spec: { schedules: ['@every 1s'], workflowSpec: sim('result=x') } },
    });
    const before = await call('GET', `${path}/a`);
    const lastOf = async () => ((await call('GET', `${path}/a`)).status as { lastScheduledTime?: string }).lastScheduledTime;
    await eventually(async () => (await lastOf()) != null, 'it has run');
    const last = Date.parse((await lastOf()) ?? '');
    await call('PUT', `${path}/a`, { cronWorkflow: { ...before, spec: { ...before.spec, suspend: true } } });
    expect(Date.parse((await lastOf()) ?? '')).toBeGreaterThanOrEqual(last);
  }, 30_000);
});

describe('events', () => {
  const CREDENTIAL = { authorization: 'Bearer somebody' };

  beforeAll(async () => {
    await put('workflowtemplates', 'events', 'greeter', {
      spec: {
        entrypoint: 'main',
        arguments: { parameters: [{ name: 'message', value: 'nobody' }, { name: 'count' }] },
        templates: [
          { name: 'main', container: { image: 'sim', command: ['sim'], args: ['result={{workflow.parameters.message}}'] } },
        ],
      },
    });
    await put('workfloweventbindings', 'events', 'greet', {
      spec: {
        event: { selector: 'discriminator == "hello" && payload.message != "" && metadata["x-kind"] == ["push"]' },
        submit: {
          workflowTemplateRef: { name: 'greeter' },
          arguments: {
            parameters: [
              { name: 'message', valueFrom: { event: 'payload.message' } },
              { name: 'count', valueFrom: { event: 'len(payload.list)' } },
            ],
          },
          metadata: { generateName: '"made-by-" + discriminator + "-"', labels: { who: 'payload.message' } },
        },
      },
    });
    await put('workfloweventbindings', 'events', 'broken', {
      spec: { event: { selector: 'payload.absent.member == 1' }, submit: { workflowTemplateRef: { name: 'greeter' } } },
    });
  });

  it('submit the templates whose bindings select them, filled from the event', async () => {
    const event = { message: 'world', list: [1, 2, 3] };
    expect(await call('POST', '/api/v1/events/events/hello', event, { ...CREDENTIAL, 'x-kind': 'push' })).toEqual({});
    const [run, ...others] = await workflows('events');
    expect(others).toEqual([]);
    expect(run?.metadata.name).toMatch(/^made-by-hello-/);
    expect(run?.metadata.labels).toMatchObject({
      who: 'world',
      'workflows.argoproj.io/workflow-event-binding': 'greet',
      'workflows.argoproj.io/workflow-template': 'greeter',
    });
    expect(run?.spec.arguments?.parameters).toEqual([
      { name: 'message', value: 'world' },
      { name: 'count', value: '3' },
    ]);
    await eventually(async () => (await workflows('events'))[0]?.status.phase === 'Succeeded', 'it has run');
  }, 30_000);

  it('submit nothing where no binding selects them, and the sender hears nothing of a binding that fails', async () => {
    const before = (await workflows('events')).length;
    expect(await call('POST', '/api/v1/events/events/other', { message: 'x' }, CREDENTIAL)).toEqual({});
    expect(await call('POST', '/api/v1/events/events/', undefined, CREDENTIAL)).toEqual({});
    expect(await workflows('events')).toHaveLength(before);
  });

  it('are refused without a credential and where they are no JSON', async () => {
    await expect(call('POST', '/api/v1/events/events/hello', {})).rejects.toThrow('403');
    const response = await fetch(`${stack.url}/api/v1/events/events/hello`, {
      method: 'POST',
      body: 'nope',
      headers: CREDENTIAL,
    });
    expect(response.status).toBe(400);
  });

  it('are taken from webhook clients that sign them, and from nobody who signs wrongly', async () => {
    await put('secrets', 'signed', 'argo-workflows-webhook-clients', {
      stringData: { hub: 'type: github\nsecret: s3cret\n', lab: 'type: gitlab\nsecret: t0ken\n', broken: 'type: nobody\n' },
    });
    await put('workflowtemplates', 'signed', 'greeter', { spec: sim('result=x') });
    await put('workfloweventbindings', 'signed', 'greet', {
      spec: { event: { selector: 'payload.n > 0' }, submit: { workflowTemplateRef: { name: 'greeter' } } },
    });
    const send = async (headers: Record<string, string>): Promise<number> =>
      (await fetch(`${stack.url}/api/v1/events/signed/`, { method: 'POST', body: '{"n": 1}', headers })).status;
    const signature = `sha256=${createHmac('sha256', 's3cret').update('{"n": 1}').digest('hex')}`;
    expect(await send({ 'x-hub-signature-256': signature })).toBe(200);
    expect(await send({ 'x-gitlab-token': 't0ken' })).toBe(200);
    expect(await send({ 'x-hub-signature-256': signature.replace(/.$/, 'z') })).toBe(403);
    expect(await send({ 'x-gitlab-token': 'token' })).toBe(403);
    expect(await workflows('signed')).toHaveLength(2);
  });

  it('have their bindings listed, and a selector that cannot be parsed is refused', async () => {
    const { items } = await call('GET', '/api/v1/workflow-event-bindings/events');
    expect(items?.map(({ metadata }) => metadata.name)).toEqual(['broken', 'greet']);
    await expect(put('workfloweventbindings', 'events', 'bad', { spec: { event: { selector: 'payload.' } } })).rejects.toThrow(
      'spec.event.selector: unexpected end of expression',
    );
    await expect(put('workfloweventbindings', 'events', 'bad', { spec: { event: { selectr: '' } } })).rejects.toThrow('selectr');
  });
});

describe("the controller's ConfigMap", () => {
  const NAME = 'workflow-controller-configmap';
  const configure = (data: Record<string, string>): Promise<Body> => put('configmaps', 'argo', NAME, { data });

  it('is shown by the info endpoint, gives workflows defaults, and keeps the last good one when it is broken', async () => {
    await configure({
      navColor: 'red',
      links: '- {name: Logs, scope: pod, url: "http://logs"}',
      workflowDefaults: 'metadata: {labels: {cost: "7"}}\nspec: {activeDeadlineSeconds: 77, entrypoint: main}\n',
    });
    await eventually(async () => (await call('GET', '/api/v1/info')).navColor === 'red', 'it is in effect');
    expect((await call('GET', '/api/v1/info')).links).toEqual([{ name: 'Logs', scope: 'pod', url: 'http://logs' }]);
    await configure({ navColor: 'blue', unheardOf: 'x' });
    await call('POST', '/api/v1/workflows/configured', {
      workflow: { metadata: { name: 'a' }, spec: { ...sim('result=x'), entrypoint: undefined } },
    });
    await eventually(
      async () => (await call('GET', '/api/v1/workflows/configured/a')).status.phase === 'Succeeded',
      'the workflow has run',
    );
    const { metadata, spec } = await call('GET', '/api/v1/workflows/configured/a');
    expect([metadata.labels?.['cost'], spec.activeDeadlineSeconds]).toEqual(['7', 77]);
    expect((await call('GET', '/api/v1/info')).navColor).toBe('red');
    expect(await call('GET', '/api/argosy/v1/controller-config')).toMatchObject({
      keys: ['workflowDefaults', 'links', 'navColor'],
      problems: ['unknown field "unheardOf"'],
    });
  }, 30_000);

  it('keeps as many ended workflows as its retentionPolicy says', async () => {
    for (const name of ['one', 'two', 'three']) {
      await call('POST', '/api/v1/workflows/kept', { workflow: { metadata: { name }, spec: sim('exit=1') } });
      await eventually(
        async () => (await call('GET', `/api/v1/workflows/kept/${name}`)).status.phase === 'Failed',
        `${name} failed`,
      );
    }
    await configure({ retentionPolicy: 'failed: 1' });
    await eventually(async () => (await workflows('kept')).length === 1, 'one is left', 30_000);
    expect((await workflows('kept'))[0]?.metadata.name).toBe('three');
    await configure({});
  }, 60_000);

  it('is looked at with all that an installation stands on', async () => {
    const look = async (): Promise<Record<string, string>> => {
      const { findings } = await call('GET', '/api/argosy/v1/checkup');
      return Object.fromEntries((findings ?? []).map(({ name, state, message }) => [name, `${state}: ${message}`]));
    };
    await configure({ artifactRepository: 'filesystem: {}' });
    const isWell = ({ artifacts, queue }: Record<string, string>): boolean =>
      artifacts?.includes('filesystem') === true && queue === 'ok: answers';
    await eventually(async () => isWell(await look()), 'the repository is looked at, and the queue is connected');
    const well = await look();
    expect(well).toMatchObject({
      artifacts: 'ok: the filesystem repository takes, gives and deletes objects',
      pods: 'ok: run on here (simulated)',
    });
    expect(Object.keys(well).sort()).toEqual(['artifacts', 'clock', 'configuration', 'database', 'pods', 'queue']);
    await configure({
      artifactRepository: '{s3: {endpoint: "127.0.0.1:1", insecure: true, bucket: b, accessKeySecret: {name: absent, key: k}}}',
    });
    await eventually(
      async () => (await look())['artifacts']?.startsWith('failed: the s3 repository') === true,
      'it cannot be used',
    );
    await configure({});
  }, 60_000);
});
