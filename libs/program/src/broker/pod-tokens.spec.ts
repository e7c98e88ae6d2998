import fc from 'fast-check';
import { expect, it } from 'vitest';

import { PodTokens } from './pod-tokens.js';

const clock = { now: 1_700_000_000_000, nowMs: (): number => clock.now };
const tokens = new PodTokens(async () => 'a key of the installation', clock);
const pod = { workflowUid: '7b0c', nodeId: 'wf-1234', incarnation: 2 };

it('says which pod it is, until it ends', async () => {
  const token = await tokens.issue(pod, 60_000);
  expect(token).toMatch(/^argosy-pod\.v1\.[\w-]+\.[\w-]{43}$/);
  expect(await tokens.verify(token)).toEqual(pod);
  clock.now += 61_000;
  expect(await tokens.verify(token)).toBeUndefined();
});

it('is worth nothing with another key, another claim, or half of it', async () => {
  const token = await tokens.issue(pod, 60_000);
  expect(await new PodTokens(async () => 'another key', clock).verify(token)).toBeUndefined();
  const [head = '', version = '', , signature = ''] = token.split('.');
  const forged = Buffer.from(JSON.stringify({ u: 'else', n: 'n', i: 1, e: 9_999_999_999 })).toString('base64url');
  expect(await tokens.verify([head, version, forged, signature].join('.'))).toBeUndefined();
  for (const part of ['', 'Bearer', `${head}.${version}`, token.slice(0, -1), `${token}A`])
    expect(await tokens.verify(part)).toBeUndefined();
});

it('refuses any text that is none of its own', async () => {
  await fc.assert(fc.asyncProperty(fc.string(), async (text) => (await tokens.verify(`argosy-pod.v1.${text}`)) === undefined));
});
