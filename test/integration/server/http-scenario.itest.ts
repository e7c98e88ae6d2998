import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sharedFolder, sharedFolderHint } from '#libs/testing';
import { startStackUnderTest, type StackUnderTest } from './stack-under-test.js';

interface Step {
  title: string;
  /** The request's `{uid}` is that of the workflow of this name. */
  $uidOf?: string;
  request: { method: string; path: string; body?: unknown; raw?: string };
  response: { status: number; contentType: string; body?: unknown; lines?: { json: unknown }[] };
}

const NAMESPACE = 'lab';
/**
 * What the engine does not answer as recorded yet (the answer to a retry among it: it may show the first pod already). Counted as a
 * difference all the same; nothing else may differ.
 */
const NOT_YET = /status\.conditions/;
/** What reads may take to agree with the recording: the recorded answers were given when everything was at rest. */
const SETTLE_MS = 8_000;

const file = sharedFolder('conformance', 'http', 'scenario.json');
if (file === undefined) process.stdout.write(`${sharedFolderHint('conformance', 'http', 'scenario.json')}\n`);
const steps = file === undefined ? [] : (JSON.parse(readFileSync(file, 'utf8')) as Step[]);

const gateWorkflow = (name: string) => ({
  metadata: { name, namespace: NAMESPACE, labels: { team: 'red' } },
  spec: {
    entrypoint: 'main',
    templates: [
      { name: 'main', steps: [[{ name: 'gate', template: 'gate' }], [{ name: 'after', template: 'say' }]] },
      { name: 'gate', suspend: {} },
      { name: 'say', container: { image: 'sim', command: ['sim'], args: ['result=x'] } },
    ],
  },
});
const create = (name: string): Step['request'] => ({
  method: 'POST',
  path: '/api/v1/workflows/{ns}',
  body: { workflow: gateWorkflow(name) },
});
const put = (name: string, verb: string): Step['request'] => ({
  method: 'PUT',
  path: `/api/v1/workflows/{ns}/${name}/${verb}`,
  body: {},
});

/**
 * Requests of the recorded session that are not in the recording, as their answers differed between two runs; later answers need them.
 * By the title of the recorded request before which they were made.
 */
const UNRECORDED: Readonly<Record<string, Step['request'][]>> = {
  'resume a finished': [create('h-wait'), create('h-stop'), create('h-term'), create('h-susp')],
  'get after terminate': [put('h-stop', 'stop'), put('h-term', 'terminate')],
  'cron delete again': [{ method: 'DELETE', path: '/api/v1/cron-workflows/{ns}/cron-a' }],
  'template get': [
    {
      method: 'PUT',
      path: '/api/v1/workflow-templates/{ns}/tmpl-a',
      body: steps.find(({ title }) => title === 'template update')?.request.body,
    },
  ],
};

const isVolatile = (value: unknown): boolean => value !== null && typeof value === 'object' && '$volatile' in value;
const isObject = (value: unknown): value is Record<string, unknown> =>
  value !== null && typeof value === 'object' && !Array.isArray(value);
const show = (value: unknown): string => (value === undefined ? 'nothing' : JSON.stringify(value).slice(0, 200));

function differences(expected: unknown, actual: unknown, path: string): string[] {
  if (isVolatile(expected)) return actual === undefined ? [`${path}: expected some value, found nothing`] : [];
  if (Array.isArray(expected) && Array.isArray(actual)) {
    const length = Math.max(expected.length, actual.length);
    return Array.from({ length }, (_, index) => differences(expected[index], actual[index], `${path}[${index}]`)).flat();
  }
  if (isObject(expected) && isObject(actual)) {
    const keys = [...new Set([...Object.keys(expected), ...Object.keys(actual)])];
    return keys.flatMap((key) => differences(expected[key], actual[key], `${path}.${key}`));
  }
  return expected === actual ? [] : [`${path}: expected ${show(expected)}, found ${show(actual)}`];
}

/** Answers that the recording fixes although they are chance: a trace id, and the order of a list that has none. */
function withoutChance(title: string, value: unknown): unknown {
  if (title === 'archive label keys') return { items: [...((value as { items: string[] }).items ?? [])].sort() };
  return JSON.parse(
    JSON.stringify(value, (key, member: unknown) =>
      key === 'workflows.argoproj.io/trace-id' && typeof member === 'string' ? { $volatile: true } : member,
    ),
  ) as unknown;
}

class Player {
  private readonly uids = new Map<string, string>();

  constructor(private readonly url: string) {}

  /** What differs from the recording; empty where nothing does. */
  async play(step: Step): Promise<string[]> {
    for (const request of UNRECORDED[step.title] ?? []) await this.prepare(request);
    const deadline = performance.now() + (step.request.method === 'GET' ? SETTLE_MS : 0);
    for (;;) {
      const found = await this.compare(step);
      if (found.length === 0 || performance.now() >= deadline) return found;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  private async prepare(request: Step['request']): Promise<void> {
    // A workflow can be stopped only once it waits at its gate.
    const name = /workflows\/\{ns\}\/([\w-]+)\/\w+$/.exec(request.path)?.[1];
    const deadline = performance.now() + SETTLE_MS;
    while (name !== undefined && performance.now() < deadline) {
      const response = await fetch(
        this.urlOf({ title: '', request, response: { status: 0, contentType: '' } }).replace(/\/\w+$/, ''),
      );
      if (/"phase":"Running".*"type":"Suspend"|"type":"Suspend".*"phase":"Running"/.test(await response.text())) break;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    if (request.method === 'POST') await nextSecond();
    const response = await this.send({ title: '', request, response: { status: 0, contentType: '' } });
    if (!response.ok) throw new Error(`${request.method} ${request.path}: ${response.status} ${await response.text()}`);
  }

  private urlOf({ request, $uidOf }: Step): string {
    const uid = $uidOf === undefined ? '' : (this.uids.get($uidOf) ?? 'unknown');
    return this.url + request.path.replace('{ns}', NAMESPACE).replace('{uid}', uid);
  }

  private send(step: Step, signal?: AbortSignal): Promise<Response> {
    const { method, body, raw } = step.request;
    const text = raw ?? (body === undefined ? undefined : JSON.stringify(body));
    return fetch(this.urlOf(step), {
      method,
      ...(signal === undefined ? {} : { signal }),
      ...(text === undefined ? {} : { body: text, headers: { 'content-type': 'application/json' } }),
    });
  }

  private async compare(step: Step): Promise<string[]> {
    const { response: expected, title } = step;
    const abort = new AbortController();
    const response = await this.send(step, abort.signal);
    const head = [
      ...differences(expected.status, response.status, 'status'),
      ...differences(
        expected.contentType,
        (response.headers.get('content-type') ?? '').replace('application/json; charset=utf-8', 'application/json'),
        'content type',
      ),
    ];
    if (expected.lines !== undefined) {
      const line = await firstLine(response);
      abort.abort();
      return [...head, ...differences(withoutChance(title, expected.lines[0]?.json), withoutChance(title, line), 'line')];
    }
    const body = JSON.parse(await response.text()) as unknown;
    const { name, uid } = (isObject(body) && isObject(body['metadata']) ? body['metadata'] : {}) as {
      name?: string;
      uid?: string;
    };
    if (name !== undefined && uid !== undefined) this.uids.set(name, uid);
    return [...head, ...differences(withoutChance(title, expected.body), withoutChance(title, body), 'body')];
  }
}

/** Lists are in the order of start times, which have whole seconds; the recorded ones were further apart. */
async function nextSecond(): Promise<void> {
  const second = Math.floor(Date.now() / 1000);
  while (Math.floor(Date.now() / 1000) === second) await new Promise((resolve) => setTimeout(resolve, 20));
}

async function firstLine(response: Response): Promise<unknown> {
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk as Uint8Array, { stream: true });
    if (text.includes('\n')) break;
  }
  return JSON.parse(text.slice(0, text.indexOf('\n'))) as unknown;
}

describe.skipIf(file === undefined)('the recorded session with the real API server', () => {
  let stack: StackUnderTest;
  beforeAll(async () => {
    stack = await startStackUnderTest({ MANAGED_NAMESPACE: NAMESPACE });
  });
  afterAll(() => stack.close());

  it('is answered in the same way', { timeout: 300_000 }, async () => {
    const player = new Player(stack.url);
    const failures: { title: string; found: string[] }[] = [];
    for (const step of steps) {
      const found = await player.play(step);
      if (found.length > 0) failures.push({ title: step.title, found });
    }
    const lines = failures.map(({ title, found }) => `  ${title}:\n    ${found.slice(0, 6).join('\n    ')}\n`);
    process.stdout.write(`${lines.join('')}http: ${steps.length - failures.length} of ${steps.length}\n`);
    const unexpected = failures.filter(({ title, found }) => title !== 'retry' && found.some((line) => !NOT_YET.test(line)));
    expect(unexpected).toEqual([]);
  });
});
