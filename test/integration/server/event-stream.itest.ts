import { afterEach, expect, it } from 'vitest';
import type { EventSelection, WorkflowObjects } from '#libs/resources';
import { eventually } from '#libs/testing';
import { startServerUnderTest, type ServerUnderTest } from './server-under-test.js';

let server: ServerUnderTest | undefined;
afterEach(async () => server?.close());

const start = async (objects?: Pick<WorkflowObjects, 'events'>): Promise<ServerUnderTest> =>
  startServerUnderTest({
    database: false,
    adjusted: (ports) => (objects === undefined ? ports : { ...ports, objects: objects as WorkflowObjects }),
  });

it('streams the events of a cluster as the page selects them, until the page goes', async () => {
  const asked: EventSelection[] = [];
  let hasEnded = false;
  server = await start({
    async *events(selection, signal) {
      asked.push(selection);
      yield { kind: 'Event', reason: 'WorkflowRunning' };
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      hasEnded = true;
    },
  });
  const going = new AbortController();
  const selector = 'involvedObject.kind=Workflow,involvedObject.name=w';
  const path = `/api/v1/stream/events/lab?listOptions.fieldSelector=${encodeURIComponent(selector)}`;
  const answer = await fetch(`${server.url}${path}`, { headers: { accept: 'text/event-stream' }, signal: going.signal });
  const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
  const frame = await reader?.read();
  expect(frame?.value).toContain('data: {"result":{"kind":"Event","reason":"WorkflowRunning"}}');
  expect(asked).toEqual([{ namespace: 'lab', labelSelector: undefined, fieldSelector: selector }]);
  going.abort();
  await eventually(() => hasEnded, 'the stream is not read any more');
});

it('keeps the stream open and empty where there is no cluster', async () => {
  server = await start();
  const going = new AbortController();
  const answer = await fetch(`${server.url}/api/v1/stream/events/lab`, {
    headers: { accept: 'text/event-stream' },
    signal: going.signal,
  });
  expect(answer.headers.get('content-type')).toContain('text/event-stream');
  going.abort();
});
