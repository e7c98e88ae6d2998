import { describe, expect, it } from 'vitest';
import type { Resource } from '#libs/resources';
import type { JsonValue } from '#libs/workflow-spec';
import { kindOfWord } from './object-kinds.js';
import { jsonPatch, mergePatch, patchBetween, patched } from './patches.js';

describe('JSON patch', () => {
  it.each<[JsonValue, JsonValue, JsonValue]>([
    [{ a: 1 }, [{ op: 'add', path: '/b', value: 2 }], { a: 1, b: 2 }],
    [{ a: [1, 3] }, [{ op: 'add', path: '/a/1', value: 2 }], { a: [1, 2, 3] }],
    [{ a: [1] }, [{ op: 'add', path: '/a/-', value: 2 }], { a: [1, 2] }],
    [
      { a: { 'x/y': 1, 'm~n': 2 } },
      [
        { op: 'remove', path: '/a/x~1y' },
        { op: 'replace', path: '/a/m~0n', value: 3 },
      ],
      { a: { 'm~n': 3 } },
    ],
    [
      { a: 1 },
      [
        { op: 'move', from: '/a', path: '/b' },
        { op: 'copy', from: '/b', path: '/c' },
      ],
      { b: 1, c: 1 },
    ],
    [
      { a: 1 },
      [
        { op: 'test', path: '/a', value: 1 },
        { op: 'remove', path: '/a' },
      ],
      {},
    ],
  ])('makes of %j by %j %j', (target, operations, expected) => {
    expect(jsonPatch(target, operations)).toEqual(expected);
  });

  it.each<[JsonValue]>([
    [[{ op: 'remove', path: '/nothing' }]],
    [[{ op: 'add', path: '/nothing/below', value: 1 }]],
    [[{ op: 'test', path: '/a', value: 2 }]],
    [[{ op: 'turn', path: '/a' }]],
    [[{ op: 'add', path: '/a/5', value: 1 }]],
    [{ op: 'add', path: '/a', value: 1 }],
  ])('refuses %j and leaves the object as it was', (operations) => {
    const target = { a: [1] };
    expect(() => jsonPatch(target, operations)).toThrow('the server rejected our request');
    expect(target).toEqual({ a: [1] });
  });
});

describe('merge patch', () => {
  it('takes away what is null, merges objects and replaces lists', () => {
    expect(mergePatch({ a: { b: 1, c: 2 }, d: [1, 2] }, { a: { b: null, e: 3 }, d: [9] })).toEqual({ a: { c: 2, e: 3 }, d: [9] });
  });

  it('between two versions of what was applied takes away what is no longer written', () => {
    const before = { data: { kept: 'a', gone: 'b' }, spec: { deep: { gone: 1, kept: 1 } } };
    const after = { data: { kept: 'c' }, spec: { deep: { kept: 1 } } };
    const live = { data: { kept: 'a', gone: 'b', foreign: 'd' }, spec: { deep: { gone: 1, kept: 1, foreign: 2 } } };
    expect(mergePatch(live, patchBetween(before, after))).toEqual({
      data: { kept: 'c', foreign: 'd' },
      spec: { deep: { kept: 1, foreign: 2 } },
    });
  });
});

it('merges strategically only what Kubernetes itself knows', () => {
  const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' }, data: { a: '1' } } as Resource;
  const configMap = kindOfWord('cm');
  const workflow = kindOfWord('workflows.argoproj.io');
  if (configMap === undefined || workflow === undefined) throw new Error('kinds are missing');
  expect(patched(configMap, object, { data: { b: '2' } }, 'strategic')['data']).toEqual({ a: '1', b: '2' });
  expect(() => patched(workflow, object, {}, 'strategic')).toThrow('accepted media types include');
});
