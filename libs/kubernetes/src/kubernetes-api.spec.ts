import { Agent, type ServerResponse } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { type ScriptedHttpServer, scriptedHttpServer, type TakenRequest } from '#libs/testing';
import { TransientError } from '#libs/workflow-spec';
import {
  type ApiCall,
  type ApiObject,
  followObjects,
  KubernetesApi,
  KubernetesConflictError,
  KubernetesExistsError,
  KubernetesExpiredError,
  KubernetesForbiddenError,
  KubernetesInvalidError,
  KubernetesNotFoundError,
  KubernetesUnavailableError,
  watchObjects,
} from './index.js';

const PODS = { apiVersion: 'v1', plural: 'pods', namespace: 'lab' };
const agent = new Agent({ keepAlive: true });
let server: ScriptedHttpServer;
let ending = new AbortController();

const say = (response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void => {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
};
const status = (code: number, reason: string, message = reason) => ({ kind: 'Status', code, reason, message });
const pod = (name: string, resourceVersion: string, uid = `uid-${name}`) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'lab', uid, resourceVersion },
});
const list = (resourceVersion: string, ...items: ApiObject[]) => ({
  apiVersion: 'v1',
  kind: 'PodList',
  metadata: { resourceVersion },
  items,
});
const lines = (...events: [string, unknown][]): string =>
  events.map(([type, object]) => `${JSON.stringify({ type, object })}\n`).join('');

const apiFor = async (answer: (request: TakenRequest, response: ServerResponse) => void, onCall?: (call: ApiCall) => void) => {
  server = await scriptedHttpServer(answer);
  const connection = {
    namespace: () => Promise.resolve(undefined),
    access: () => Promise.resolve({ server: server.url, headers: { authorization: 'Bearer t' }, agent }),
    kubeConfig: () => Promise.reject(new Error('not here')),
    close: () => agent.destroy(),
  };
  return new KubernetesApi({ connection, ...(onCall === undefined ? {} : { onCall }) });
};

afterEach(async () => {
  ending.abort();
  ending = new AbortController();
  await server.close();
});

describe('KubernetesApi', () => {
  it.each([
    [404, 'NotFound', KubernetesNotFoundError],
    [409, 'AlreadyExists', KubernetesExistsError],
    [409, 'Conflict', KubernetesConflictError],
    [410, 'Expired', KubernetesExpiredError],
    [422, 'Invalid', KubernetesInvalidError],
    [400, 'BadRequest', KubernetesInvalidError],
    [403, 'Forbidden', KubernetesForbiddenError],
    [401, 'Unauthorized', KubernetesUnavailableError],
    [500, 'InternalError', KubernetesUnavailableError],
    [503, 'ServiceUnavailable', KubernetesUnavailableError],
  ])('makes of %i %s its error, with the server’s words', async (code, reason, type) => {
    const api = await apiFor((_request, response) => say(response, code, status(code, reason, `it is ${reason}`)));
    const error: unknown = await api.get({ ...PODS, name: 'p' }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(type);
    expect(error).toMatchObject({ message: `it is ${reason}`, said: { httpStatus: code, reason } });
    expect(server.requests).toHaveLength(1);
  });

  it('sends a request again that was one too many, after the time that the server names', async () => {
    let refusals = 2;
    const calls: number[] = [];
    const api = await apiFor(
      (_request, response) =>
        refusals-- > 0
          ? say(response, 429, status(429, 'TooManyRequests'), { 'retry-after': '0.02' })
          : say(response, 200, pod('p', '1')),
      ({ httpStatus }) => calls.push(httpStatus),
    );
    expect(await api.get({ ...PODS, name: 'p' })).toMatchObject({ metadata: { name: 'p' } });
    expect(calls).toEqual([429, 429, 200]);
  });

  it('says that the server is away where nothing listens, or where an answer breaks off', async () => {
    const api = await apiFor((_request, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('{"half":');
      response.destroy();
    });
    await expect(api.get({ ...PODS, name: 'p' })).rejects.toBeInstanceOf(TransientError);
    await server.close();
    await expect(api.get({ ...PODS, name: 'p' })).rejects.toThrow(/the API server does not answer/);
  });

  it('writes paths, patches and preconditions as Kubernetes reads them', async () => {
    const api = await apiFor((_request, response) => say(response, 200, {}));
    await api.patch({ apiVersion: 'apps/v1', plural: 'deployments', namespace: 'lab', name: 'a/b' }, [], { type: 'json' });
    await api.delete({ ...PODS, name: 'p' }, { uid: 'u', propagation: 'Foreground', gracePeriodSeconds: 0 });
    await api.create({ ...PODS, name: 'p', subresource: 'eviction' }, {});
    const [patch, removal, eviction] = server.requests;
    expect(patch).toMatchObject({ method: 'PATCH', path: '/apis/apps/v1/namespaces/lab/deployments/a%2Fb', body: '[]' });
    expect(patch?.headers['content-type']).toBe('application/json-patch+json');
    expect(JSON.parse(removal?.body ?? '')).toEqual({
      kind: 'DeleteOptions',
      apiVersion: 'v1',
      preconditions: { uid: 'u' },
      propagationPolicy: 'Foreground',
      gracePeriodSeconds: 0,
    });
    expect(eviction).toMatchObject({ method: 'POST', path: '/api/v1/namespaces/lab/pods/p/eviction' });
  });
});

describe('watchObjects', () => {
  it('goes on from the last version, bookmarks included, when the server ends a watch or is away', async () => {
    const from: (string | null)[] = [];
    const troubles: string[] = [];
    const api = await apiFor(({ query }, response) => {
      from.push(query.get('resourceVersion'));
      if (from.length === 1) response.end(lines(['ADDED', pod('a', '6')], ['BOOKMARK', pod('', '9')]));
      else if (from.length === 2) say(response, 503, status(503, 'ServiceUnavailable', 'away'));
      else if (from.length === 3) response.end(lines(['MODIFIED', pod('a', '10')]));
      else response.write(lines(['DELETED', pod('a', '11')]));
    });
    const seen: string[] = [];
    const options = { resourceVersion: '5', signal: ending.signal, onTrouble: (error: Error) => troubles.push(error.message) };
    for await (const { type, object } of watchObjects(api, PODS, options)) {
      seen.push(`${type} ${object.metadata.resourceVersion}`);
      if (type === 'DELETED') ending.abort();
    }
    expect(seen).toEqual(['ADDED 6', 'MODIFIED 10', 'DELETED 11']);
    expect(from).toEqual(['5', '9', '9', '10']);
    expect(troubles).toEqual(['away']);
  });

  it('asks again where a watch says nothing more, not even that there is nothing new', async () => {
    const from: (string | null)[] = [];
    const api = await apiFor(({ query }, response) => {
      from.push(query.get('resourceVersion'));
      response.write(lines(from.length === 1 ? ['ADDED', pod('a', '6')] : ['DELETED', pod('a', '7')]));
    });
    const seen: string[] = [];
    for await (const { type } of watchObjects(api, PODS, { resourceVersion: '5', signal: ending.signal, silenceMs: 50 })) {
      seen.push(type);
      if (type === 'DELETED') ending.abort();
    }
    expect(seen).toEqual(['ADDED', 'DELETED']);
    expect(from).toEqual(['5', '6']);
  });

  it.each([
    ['before the watch', (response: ServerResponse) => say(response, 410, status(410, 'Expired', 'too old'))],
    ['in the watch', (response: ServerResponse) => response.end(lines(['ERROR', status(410, 'Expired', 'too old')]))],
  ])('throws where the server has forgotten the version and says so %s', async (_when, answer) => {
    const api = await apiFor((_request, response) => void answer(response));
    const watch = watchObjects(api, PODS, { resourceVersion: '5', signal: ending.signal });
    await expect(watch.next()).rejects.toBeInstanceOf(KubernetesExpiredError);
  });

  it('reads events that come in pieces, and no further than they are taken', async () => {
    const event = lines(['ADDED', pod('größe', '6')]);
    const bytes = Buffer.from(event + lines(['ADDED', pod('b', '7')]));
    const api = await apiFor((_request, response) => {
      // Also in the middle of a letter.
      for (let at = 0; at < bytes.length; at += 7) response.write(bytes.subarray(at, at + 7));
    });
    const names: string[] = [];
    for await (const { object } of watchObjects(api, PODS, { resourceVersion: '5', signal: ending.signal })) {
      names.push(object.metadata.name);
      if (names.length === 2) ending.abort();
    }
    expect(names).toEqual(['größe', 'b']);
  });
});

describe('followObjects', () => {
  it('lists again after 410, and tells what it missed: changes, new objects, deletions and namesakes', async () => {
    let lists = 0;
    let watches = 0;
    const api = await apiFor(({ query }, response) => {
      if (query.has('watch')) {
        watches += 1;
        if (watches === 1) say(response, 410, status(410, 'Expired'));
        else response.write(lines(['DELETED', pod('same', '30')]));
        return;
      }
      lists += 1;
      if (lists === 1) say(response, 200, list('10', pod('same', '1'), pod('changed', '2'), pod('gone', '3'), pod('again', '4')));
      // The second list breaks off once and is begun again.
      else if (lists === 2) say(response, 500, status(500, 'InternalError'));
      else say(response, 200, list('20', pod('same', '1'), pod('changed', '15'), pod('again', '16', 'other'), pod('new', '17')));
    });
    const seen: string[] = [];
    for await (const event of followObjects(api, PODS, { signal: ending.signal })) {
      if ('object' in event) seen.push(`${event.type} ${event.object.metadata.name}`);
      else seen.push(event.type === 'SYNCED' ? `SYNCED ${event.resourceVersion}` : `GONE ${event.identity.uid}`);
      if (seen.at(-1) === 'DELETED same') ending.abort();
    }
    expect(seen).toEqual([
      ...['ADDED same', 'ADDED changed', 'ADDED gone', 'ADDED again', 'SYNCED 10'],
      ...['MODIFIED changed', 'GONE uid-again', 'ADDED again', 'ADDED new', 'GONE uid-gone', 'SYNCED 20'],
      'DELETED same',
    ]);
  });

  it('does not wait where it is forbidden to look', async () => {
    const api = await apiFor((_request, response) => say(response, 403, status(403, 'Forbidden', 'pods is forbidden')));
    await expect(followObjects(api, PODS, { signal: ending.signal }).next()).rejects.toThrow('pods is forbidden');
  });
});
