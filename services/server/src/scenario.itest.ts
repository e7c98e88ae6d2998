import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sharedFolder, sharedFolderHint } from '#libs/testing';
import { startServerUnderTest, type ServerUnderTest } from './testing/server-under-test.js';

interface Step {
  title: string;
  $uidOf?: string;
  request: { method: string; path: string; body?: unknown; raw?: string };
  response: { status: number; contentType: string; body?: unknown; lines?: { json: unknown }[] };
}
const file = sharedFolder('conformance', 'http', 'scenario.json');
if (file === undefined) process.stdout.write(`${sharedFolderHint('conformance', 'http', 'scenario.json')}\n`);
const steps = file === undefined ? [] : (JSON.parse(readFileSync(file, 'utf8')) as Step[]);

const isVolatile = (value: unknown): boolean => value !== null && typeof value === 'object' && '$volatile' in value;
const isObject = (value: unknown): value is Record<string, unknown> =>
  value !== null && typeof value === 'object' && !Array.isArray(value);
const show = (value: unknown): string => (value === undefined ? 'nothing' : JSON.stringify(value).slice(0, 160));

function differences(expected: unknown, actual: unknown, path: string): string[] {
  if (isVolatile(expected)) return actual === undefined ? [`${path}: expected some value, found nothing`] : [];
  if (Array.isArray(expected) && Array.isArray(actual)) {
    return Array.from({ length: Math.max(expected.length, actual.length) }, (_, index) =>
      differences(expected[index], actual[index], `${path}[${index}]`),
    ).flat();
  }
  if (isObject(expected) && isObject(actual)) {
    return [...new Set([...Object.keys(expected), ...Object.keys(actual)])].flatMap((key) =>
      differences(expected[key], actual[key], `${path}.${key}`),
    );
  }
  return expected === actual ? [] : [`${path}: expected ${show(expected)}, found ${show(actual)}`];
}

describe.skipIf(file === undefined)('http scenario', () => {
  let server: ServerUnderTest;
  beforeAll(async () => {
    server = await startServerUnderTest({ environment: { MANAGED_NAMESPACE: 'lab', ACTION_TIMEOUT: '300ms' } });
  });
  afterAll(() => server.close());

  it('prints', async () => {
    const failures: string[] = [];
    for (const step of steps) {
      if (step.response.lines !== undefined) continue;
      const { request, response } = step;
      const path = request.path.replace('{ns}', 'lab');
      const answer = await fetch(`${server.url}${path}`, {
        method: request.method,
        headers: { 'content-type': 'application/json' },
        ...(request.raw === undefined && request.body === undefined ? {} : { body: request.raw ?? JSON.stringify(request.body) }),
      });
      const text = await answer.text();
      const found = [
        ...differences(response.status, answer.status, 'status'),
        ...differences(response.body, JSON.parse(text), 'body'),
      ];
      if (found.length > 0) failures.push(`${step.title}: ${found.slice(0, 4).join(' | ')}`);
    }
    process.stdout.write(`${failures.join('\n')}\nhttp: ${steps.length - failures.length} of ${steps.length}\n`);
    expect(failures.length).toBeLessThan(steps.length);
  });
});
