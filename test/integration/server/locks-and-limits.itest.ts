import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '#libs/testing';
import type { NodeStatus, WorkflowStatus } from '#libs/workflow-spec';
import { startStackUnderTest, type StackUnderTest } from './stack-under-test.js';

let stack: StackUnderTest;
beforeAll(async () => {
  stack = await startStackUnderTest({}, { parallelism: { byNamespace: { narrow: 1 } } });
});
afterAll(() => stack.close());

interface Answer<Body> {
  status: number;
  body: Body;
}
const call = async <Body>(method: string, path: string, body?: unknown): Promise<Answer<Body>> => {
  const response = await fetch(stack.url + path, {
    method,
    ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as Body };
};

const SLOW = ['ms=700'];
const pod = (args: string[], more: object = {}) => ({
  name: 'main',
  container: { image: 'sim', command: ['sim'], args },
  ...more,
});
const submit = async (namespace: string, name: string, spec: object): Promise<number> => {
  const answer = await call('POST', `/api/v1/workflows/${namespace}`, { workflow: { metadata: { name }, spec } });
  return answer.status;
};
const statusOf = async (namespace: string, name: string): Promise<WorkflowStatus> =>
  (await call<{ status: WorkflowStatus }>('GET', `/api/v1/workflows/${namespace}/${name}`)).body.status;
const ended = (namespace: string, name: string) =>
  eventually(
    async () => ['Succeeded', 'Failed', 'Error'].includes((await statusOf(namespace, name)).phase ?? ''),
    `${name} ended`,
  );
const podNodes = ({ nodes }: WorkflowStatus): NodeStatus[] => Object.values(nodes ?? {}).filter(({ type }) => type === 'Pod');

describe('locks', () => {
  it('of workflows are shown while they are waited for, and given on at the end', async () => {
    const spec = { entrypoint: 'main', synchronization: { mutexes: [{ name: 'one' }] }, templates: [pod(SLOW)] };
    expect([await submit('locks', 'first', spec), await submit('locks', 'second', spec)]).toEqual([200, 200]);
    await eventually(async () => (await statusOf('locks', 'second')).message !== undefined, 'the second one waits');
    const waiting = await statusOf('locks', 'second');
    expect([waiting.phase, waiting.message, waiting.synchronization]).toEqual([
      'Pending',
      'Waiting for locks/Mutex/one lock. Lock status: 0/1',
      { mutex: { waiting: [{ mutex: 'locks/Mutex/one', holder: 'locks/first' }] } },
    ]);
    expect((await statusOf('locks', 'first')).synchronization).toEqual({
      mutex: { holding: [{ mutex: 'locks/Mutex/one', holder: 'locks/first' }] },
    });
    await ended('locks', 'second');
    const [first, second] = [await statusOf('locks', 'first'), await statusOf('locks', 'second')];
    expect([first.phase, second.phase, second.message, second.synchronization]).toEqual([
      'Succeeded',
      'Succeeded',
      undefined,
      undefined,
    ]);
    expect(Date.parse(second.startedAt ?? '')).toBeGreaterThanOrEqual(Date.parse(first.finishedAt ?? ''));
  });

  it('in the database follow their limit when it is changed through the API', async () => {
    const path = '/api/v1/sync/locks';
    const limit = { type: 'DATABASE', key: 'gate', limit: 1 };
    expect(await call('POST', path, limit)).toEqual({ status: 200, body: { namespace: 'locks', ...limit } });
    expect((await call('POST', path, limit)).status).toBe(409);
    const spec = {
      entrypoint: 'all',
      templates: [
        { name: 'all', steps: [[{ name: 'each', template: 'main', withItems: [1, 2, 3, 4] }]] },
        pod(SLOW, { synchronization: { semaphores: [{ database: { key: 'gate' } }] } }),
      ],
    };
    await submit('locks', 'gated', spec);
    await eventually(
      async () =>
        podNodes(await statusOf('locks', 'gated')).filter(({ synchronizationStatus }) => synchronizationStatus?.waiting)
          .length === 3,
      'three wait',
    );
    const waiting = podNodes(await statusOf('locks', 'gated')).find(
      ({ synchronizationStatus }) => synchronizationStatus?.waiting,
    );
    expect([waiting?.phase, waiting?.message]).toEqual([
      'Pending',
      'Waiting for locks/Database/gate lock (sem/locks/gate). Lock status: 1/1',
    ]);
    await call('PUT', `${path}/gate`, { ...limit, limit: 4 });
    await eventually(
      async () =>
        podNodes(await statusOf('locks', 'gated')).every(({ synchronizationStatus }) => !synchronizationStatus?.waiting),
      'all are in',
    );
    await ended('locks', 'gated');
    expect((await statusOf('locks', 'gated')).phase).toBe('Succeeded');
    expect(await call('GET', `${path}/gate?type=DATABASE`)).toMatchObject({ body: { limit: 4 } });
    expect((await call('DELETE', `${path}/gate?type=DATABASE`)).status).toBe(200);
    expect((await call('GET', `${path}/gate?type=DATABASE`)).status).toBe(404);
  });

  it('in a ConfigMap are written and read through the API, and are given on when their holder is deleted', async () => {
    const path = '/api/v1/sync/locks';
    const limit = { type: 'CONFIGMAP', cmName: 'limits', key: 'k', limit: 1 };
    expect((await call('POST', path, limit)).status).toBe(200);
    expect(await call('GET', `${path}/k?cmName=limits`)).toEqual({ status: 200, body: { namespace: 'locks', ...limit } });
    expect((await call('PUT', `${path}/k`, { ...limit, limit: 0 })).status).toBe(400);
    const spec = {
      entrypoint: 'main',
      synchronization: { semaphores: [{ configMapKeyRef: { name: 'limits', key: 'k' } }] },
      templates: [{ name: 'main', suspend: {} }],
    };
    await submit('locks', 'holder', spec);
    await eventually(async () => (await statusOf('locks', 'holder')).phase === 'Running', 'the holder runs');
    await submit('locks', 'heir', spec);
    await eventually(async () => (await statusOf('locks', 'heir')).phase === 'Pending', 'the heir waits');
    await call('DELETE', '/api/v1/workflows/locks/holder');
    await eventually(async () => (await statusOf('locks', 'heir')).phase === 'Running', 'the heir runs');
    await call('PUT', '/api/v1/workflows/locks/heir/terminate', {});
  });
});

describe('limits on running workflows', () => {
  it('let the others wait, the most urgent first', async () => {
    const spec = { entrypoint: 'main', templates: [pod(SLOW)] };
    await submit('narrow', 'one', spec);
    await submit('narrow', 'two', spec);
    await submit('narrow', 'urgent', { ...spec, priority: 5 });
    await eventually(async () => (await statusOf('narrow', 'urgent')).phase === 'Pending', 'it is postponed');
    const postponed = 'Workflow processing has been postponed because too many workflows are already running';
    await eventually(async () => (await statusOf('narrow', 'two')).message === postponed, 'the other one is too, and says so');
    await ended('narrow', 'two');
    const [two, urgent] = [await statusOf('narrow', 'two'), await statusOf('narrow', 'urgent')];
    expect([two.phase, two.message, urgent.phase]).toEqual(['Succeeded', undefined, 'Succeeded']);
    expect(Date.parse(two.startedAt ?? '')).toBeGreaterThanOrEqual(Date.parse(urgent.finishedAt ?? ''));
  });
});
