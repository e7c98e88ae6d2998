import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sharedFolder, sharedFolderHint } from '#libs/testing';
import { displayName, fnv1a32, fnv1x32, loopNodeName, nodeId, podName, utf8Bytes, utf8Length } from './node-names.js';

describe('hashes', () => {
  it('are those of Go’s hash/fnv', () => {
    expect(fnv1a32('')).toBe(2166136261);
    expect(fnv1a32('a')).toBe(0xe40c292c);
    expect(fnv1a32('foobar')).toBe(0xbf9cf968);
    expect(fnv1x32('a')).toBe(0x050c5d7e);
    expect(fnv1x32('foobar')).toBe(0x31f0b262);
  });

  it('read text as UTF-8', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        const bytes = [...utf8Bytes(text)];
        expect(bytes).toEqual([...new TextEncoder().encode(text)]);
        expect(utf8Length(text)).toBe(bytes.length);
      }),
    );
  });
});

describe('names of nodes and pods', () => {
  it('give the root node the workflow’s name and every other a hash', () => {
    expect(nodeId('w', 'w')).toBe('w');
    expect(nodeId('w', 'w[0].a')).toBe(`w-${fnv1a32('w[0].a')}`);
  });

  it('put the template into a pod’s name and cut it to what Kubernetes allows', () => {
    const input = { workflowName: 'w', nodeName: 'w[0].a', templateName: 'say', nodeId: nodeId('w', 'w[0].a') };
    expect(podName(input)).toBe(`w-say-${fnv1a32('w[0].a')}`);
    expect(podName({ ...input, templateName: '' })).toBe(`w-${fnv1a32('w[0].a')}`);
    expect(podName({ ...input, nodeName: 'w' })).toBe('w');
    expect(podName(input, 'v1')).toBe(input.nodeId);
    expect(podName({ ...input, templateName: 'x'.repeat(400) }).length).toBeLessThanOrEqual(253);
  });

  it('show a node without its boundary', () => {
    expect(displayName('w')).toBe('w');
    expect(displayName('w[0]', 'w')).toBe('[0]');
    expect(displayName('w[0].a', 'w')).toBe('a');
    expect(displayName('w.b', 'w')).toBe('b');
    expect(displayName('w[0].a(0:x)', 'w')).toBe('a(0:x)');
  });

  it('take parentheses out of a loop item’s description', () => {
    expect(loopNodeName('w[0].a', 3, 'f(x)')).toBe('w[0].a(3:fx)');
  });
});

const root = sharedFolder('conformance', 'random');
describe.skipIf(root === undefined)(`ids in recordings (${root ? 'found' : sharedFolderHint('conformance', 'random')})`, () => {
  it('are those of the real engine', () => {
    let checked = 0;
    for (const name of readdirSync(root ?? '')) {
      const { workflow, status } = JSON.parse(readFileSync(join(root ?? '', name), 'utf8')) as {
        workflow: { metadata: { name: string } };
        status?: { nodes?: { id?: string; name?: string }[] };
      };
      for (const node of status?.nodes ?? []) {
        if (typeof node.id !== 'string' || typeof node.name !== 'string') continue;
        checked += 1;
        expect(nodeId(workflow.metadata.name, node.name)).toBe(node.id);
      }
    }
    expect(checked).toBeGreaterThan(1000);
  });
});
