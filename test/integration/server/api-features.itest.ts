import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '#libs/testing';
import { startStackUnderTest, type StackUnderTest } from './stack-under-test.js';

let stack: StackUnderTest;
beforeAll(async () => {
  stack = await startStackUnderTest({ KEEP_ALIVE: '100ms' });
});
afterAll(() => stack.close());

/** As much of the answers as the tests look at. */
interface Body {
  metadata: { name: string; uid: string; continue?: string };
  status: { phase?: string };
  items: { metadata: { name: string } }[] | null;
}
interface Answer {
  status: number;
  body: Body;
}
async function call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
  const response = await fetch(stack.url + path, {
    method,
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as Body };
}

const simWorkflow = (name: string, args: string[], labels: Record<string, string> = {}) => ({
  workflow: {
    metadata: { name, labels },
    spec: { entrypoint: 'main', templates: [{ name: 'main', container: { image: 'sim', command: ['sim'], args } }] },
  },
});
const submit = (namespace: string, ...rest: Parameters<typeof simWorkflow>) =>
  call('POST', `/api/v1/workflows/${namespace}`, simWorkflow(...rest));
const phaseOf = async (namespace: string, name: string): Promise<string | undefined> =>
  (await call('GET', `/api/v1/workflows/${namespace}/${name}?fields=status.phase`)).body.status.phase;

/** Frames of a stream as they come, until the caller has seen enough. */
async function* frames(path: string, headers: Record<string, string>, separator: string): AsyncGenerator<string> {
  const abort = new AbortController();
  const response = await fetch(stack.url + path, { headers, signal: abort.signal });
  const decoder = new TextDecoder();
  let text = '';
  try {
    for await (const chunk of response.body ?? []) {
      text += decoder.decode(chunk as Uint8Array, { stream: true });
      for (let end = text.indexOf(separator); end >= 0; end = text.indexOf(separator)) {
        yield text.slice(0, end + separator.length);
        text = text.slice(end + separator.length);
      }
    }
  } finally {
    abort.abort();
  }
}

describe('watching workflows', () => {
  it('tells what is there, then each change, then the deletion, in the framing of Argo’s event stream', async () => {
    await submit('watched', 'first', ['result=1']);
    await eventually(async () => (await phaseOf('watched', 'first')) === 'Succeeded', 'first succeeded');
    const seen: string[] = [];
    let deletion: Promise<unknown> | undefined;
    for await (const frame of frames('/api/v1/workflow-events/watched', { accept: 'text/event-stream' }, ' \n\n\n')) {
      const { result } = JSON.parse(frame.replace(/^(?::\n)*data: /, '')) as { result: { type: string; object: Body } };
      const {
        metadata,
        status: { phase },
      } = result.object;
      seen.push(`${result.type} ${metadata.name} ${phase ?? ''}`);
      if (seen.length === 1) void submit('watched', 'second', ['result=2']);
      if (metadata.name === 'second' && phase === 'Succeeded') deletion ??= call('DELETE', '/api/v1/workflows/watched/second');
      if (result.type === 'DELETED') break;
    }
    await deletion;
    expect(seen[0]).toBe('ADDED first Succeeded');
    expect(seen.find((line) => line.includes('second'))).toMatch(/^ADDED second/);
    expect(seen).toContainEqual('MODIFIED second Succeeded');
    expect(seen.at(-1)).toMatch(/^DELETED second/);
  });

  it('gives lines of JSON to other clients, filtered by labels and fields', async () => {
    await submit('lines', 'red', ['result=1'], { team: 'red' });
    await submit('lines', 'blue', ['result=1'], { team: 'blue' });
    const path =
      '/api/v1/workflow-events/lines?listOptions.labelSelector=team=blue&fields=result.object.metadata.name,result.type';
    for await (const line of frames(path, {}, '\n')) {
      expect(JSON.parse(line)).toEqual({ result: { type: 'ADDED', object: { metadata: { name: 'blue' } } } });
      break;
    }
  });

  it('keeps a silent stream alive', async () => {
    for await (const line of frames('/api/v1/workflow-events/nobody', { accept: 'text/event-stream' }, '\n')) {
      expect(line).toBe(':\n');
      break;
    }
  });
});

describe('logs', () => {
  const readLog = async (path: string): Promise<string[]> => {
    const text = await (await fetch(stack.url + path)).text();
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => (JSON.parse(line) as { result: { content: string } }).result.content);
  };

  it('follow from before the pod is there until the workflow ends', async () => {
    await submit('logs', 'talker', ['result=hello']);
    expect(await readLog('/api/v1/workflows/logs/talker/log?logOptions.follow=true')).toEqual(['hello']);
    expect(await phaseOf('logs', 'talker')).toBe('Succeeded');
  });

  it('give only the lines that a Go regular expression matches, and only those of the named pod', async () => {
    await submit('logs', 'matching', ['result=hello']);
    await submit('logs', 'silent', ['result=hello']);
    expect(await readLog('/api/v1/workflows/logs/matching/matching/log?logOptions.follow=true&grep=h.l%2Bo')).toEqual(['hello']);
    expect(await readLog('/api/v1/workflows/logs/silent/log?logOptions.follow=true&grep=bye')).toEqual([]);
  });

  it('of an unknown workflow, and with a broken pattern, are errors in the stream’s shape', async () => {
    const unknown = await call('GET', '/api/v1/workflows/logs/nobody/log');
    expect(unknown).toMatchObject({ status: 404, body: { error: { grpc_code: 5, http_code: 404, http_status: 'Not Found' } } });
    expect(await call('GET', '/api/v1/workflows/logs/talker/log?grep=(')).toMatchObject({
      status: 400,
      body: { error: { grpc_code: 3 } },
    });
  });
});

describe('submitting twice under one Idempotency-Key', () => {
  it('makes one workflow and answers it both times', async () => {
    const body = simWorkflow('', ['result=1']);
    const generated = { workflow: { ...body.workflow, metadata: { generateName: 'once-' } } };
    const headers = { 'idempotency-key': 'order-4711' };
    const [first, second] = [
      await call('POST', '/api/v1/workflows/idem', generated, headers),
      await call('POST', '/api/v1/workflows/idem', generated, headers),
    ];
    expect(first.status).toBe(200);
    expect(second.body.metadata.uid).toBe(first.body.metadata.uid);
    const list = await call('GET', '/api/v1/workflows/idem?fields=items.metadata.name');
    expect(list.body.items).toHaveLength(1);
  });
});

describe('lists', () => {
  it('are read page by page without loss or repetition, live and archived', async () => {
    const names = Array.from({ length: 7 }, (_, index) => `page-${index}`);
    for (const name of names) await submit('pages', name, ['result=1']);
    for (const name of names) await eventually(async () => (await phaseOf('pages', name)) === 'Succeeded', `${name} succeeded`);
    const seen: string[] = [];
    for (let next: string | undefined = ''; next !== undefined;) {
      const path = `/api/v1/workflows/pages?listOptions.limit=3${next === '' ? '' : `&listOptions.continue=${next}`}`;
      const page = await call('GET', path);
      seen.push(...(page.body.items ?? []).map(({ metadata }) => metadata.name));
      next = page.body.metadata.continue;
    }
    expect([...seen].sort()).toEqual(names);
  });

  it('refuse what they cannot honour', async () => {
    expect(await call('GET', '/api/v1/workflows/pages?listOptions.continue=x')).toMatchObject({ status: 400, body: { code: 3 } });
    expect(await call('GET', '/api/v1/workflows/pages?listOptions.fieldSelector=spec.nodeName=x')).toMatchObject({ status: 400 });
    expect(await call('GET', '/api/v1/workflows/pages?nameFilter=Fuzzy')).toMatchObject({ status: 400 });
    expect(await call('GET', '/api/v1/workflows/pages?createdAfter=yesterday')).toMatchObject({ status: 400 });
  });
});

describe('own resources', () => {
  const secretPath = '/api/argosy/v1/resources/secrets/lab/db';

  it('take a Secret and never give its values back', async () => {
    const put = await call('PUT', secretPath, {
      kind: 'Secret',
      metadata: {
        name: 'db',
        annotations: { 'kubectl.kubernetes.io/last-applied-configuration': '{"stringData":{"password":"hunter2"}}' },
      },
      stringData: { password: 'hunter2' },
    });
    expect(put).toMatchObject({ status: 200, body: { kind: 'Secret', keys: ['password'] } });
    const answers = [put, await call('GET', secretPath), await call('GET', '/api/argosy/v1/resources/secrets/lab')];
    const text = JSON.stringify(answers);
    expect(text).not.toContain('hunter2');
    expect(text).not.toContain(Buffer.from('hunter2').toString('base64'));
  });

  it('name the key and not the value of a Secret that is refused', async () => {
    const answer = await call('PUT', secretPath, { data: { password: 'not base64 !' } });
    expect(answer).toEqual({
      status: 400,
      body: { code: 3, message: 'data.password: must be base64; use stringData for plain text' },
    });
  });

  it('create, replace, list and delete ConfigMaps, and refuse unknown fields and kinds', async () => {
    const path = '/api/argosy/v1/resources/configmaps/lab/settings';
    expect(await call('PUT', path, { data: { a: '1' } })).toMatchObject({ status: 200, body: { data: { a: '1' } } });
    expect(await call('PUT', path, { data: { b: '2' } })).toMatchObject({ status: 200, body: { data: { b: '2' } } });
    expect((await call('GET', '/api/argosy/v1/resources/configmaps/lab')).body.items).toMatchObject([{ data: { b: '2' } }]);
    expect(await call('PUT', path, { dada: {} })).toMatchObject({ status: 400, body: { code: 3 } });
    expect(await call('DELETE', path)).toEqual({ status: 200, body: {} });
    expect(await call('GET', path)).toMatchObject({ status: 404, body: { code: 5, message: 'configmaps "settings" not found' } });
    expect(await call('GET', '/api/argosy/v1/resources/pods/lab/x')).toMatchObject({ status: 404 });
  });
});
