import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { MemoryResourceTable, TableResourceStore, type Resource } from '#libs/resources';
import type { ResourceTemplate } from '#libs/workflow-spec';
import { verdictOf } from './conditions.js';
import { Kubectl, type KubectlOptions } from './kubectl.js';
import { KeptAccess } from './kept-access.js';
import { keptKinds } from './object-kinds.js';
import { TableObjects } from './table-objects.js';

let resources: TableResourceStore;
let said: string[];
let author: string;

beforeEach(() => {
  resources = new TableResourceStore({
    table: new MemoryResourceTable(),
    clock: { nowMs: () => 0 },
    createUid: randomUUID,
    parseLabelSelector: (selector) => (labels) =>
      selector.split(',').every((term) => term === '' || labels[term.split('=')[0] ?? ''] === term.split('=')[1]),
  });
  said = [];
  author = 'w/node/1';
});

const run = async (template: Partial<ResourceTemplate>, manifest: unknown = '', options: Partial<KubectlOptions> = {}) => {
  said = [];
  const kubectl = new Kubectl({
    namespace: 'team',
    author,
    kinds: keptKinds,
    accessTo: (kind) => new KeptAccess(new TableObjects(resources, kind.kind), kind),
    signal: new AbortController().signal,
    say: (line) => said.push(line),
    ...options,
  });
  const text = typeof manifest === 'string' ? manifest : JSON.stringify(manifest);
  const found = await kubectl.run({ action: 'get', ...template }, text);
  return found?.place;
};
const configMap = (name: string, data: Record<string, string> = {}, labels: Record<string, string> = {}) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, labels },
  data,
});
const stored = (name: string): Promise<Resource> => resources.get({ kind: 'ConfigMap', namespace: 'team', name });

describe('kubectl', () => {
  it('creates once, under whatever name, however often the same task asks', async () => {
    const generated = { ...configMap('', { a: '1' }), metadata: { generateName: 'made-' } };
    const first = await run({ action: 'create' }, generated);
    expect(first?.name).toMatch(/^made-[a-z0-9]{5}$/);
    expect(said).toEqual([`configmap/${first?.name ?? ''} created`]);
    expect(await run({ action: 'create' }, generated)).toEqual(first);
    author = 'w/other/1';
    expect(await run({ action: 'create' }, generated)).not.toEqual(first);
  });

  it('refuses to create what another one has made, in the words of kubectl', async () => {
    await run({ action: 'create' }, configMap('a'));
    author = 'w/other/1';
    await expect(run({ action: 'create' }, configMap('a'))).rejects.toThrow(
      'Error from server (AlreadyExists): error when creating "/tmp/manifest.yaml": configmaps "a" already exists',
    );
  });

  it('gives what it creates an owner where the template wants one', async () => {
    const owner = { apiVersion: 'argoproj.io/v1alpha1', kind: 'Workflow', name: 'w', uid: 'u' };
    await run({ action: 'create' }, configMap('a'), { owner });
    expect((await stored('a')).metadata.ownerReferences).toEqual([owner]);
  });

  it('applies: creates, changes, and takes away what is no longer written', async () => {
    await run({ action: 'apply' }, configMap('a', { gone: '1', kept: '1' }));
    await resources.update({ ...(await stored('a')), data: { gone: '1', kept: '1', foreign: 'x' } });
    await run({ action: 'apply' }, configMap('a', { kept: '2' }));
    expect((await stored('a'))['data']).toEqual({ kept: '2', foreign: 'x' });
    expect(said).toEqual(['configmap/a configured']);
  });

  it('replaces whole objects that are there', async () => {
    await expect(run({ action: 'replace' }, configMap('a'))).rejects.toThrow(
      'Error from server (NotFound): error when replacing "/tmp/manifest.yaml": configmaps "a" not found',
    );
    await run({ action: 'create' }, configMap('a', { a: '1' }));
    const { uid } = (await stored('a')).metadata;
    await run({ action: 'replace' }, configMap('a', { b: '2' }));
    expect(await stored('a')).toMatchObject({ metadata: { uid }, data: { b: '2' } });
  });

  it('patches what the flags or the manifest name', async () => {
    await run({ action: 'create' }, configMap('a', { a: '1' }));
    await run({ action: 'patch', mergeStrategy: 'merge', flags: ['cm', 'a'] }, { data: { b: '2' } });
    await run({ action: 'patch' }, configMap('a', { c: '3' }));
    expect((await stored('a'))['data']).toEqual({ a: '1', b: '2', c: '3' });
    await expect(run({ action: 'patch' }, '{"apiVersion":"v1","metadata":{"name":"x"}}')).rejects.toThrow(
      `error: unable to decode "/tmp/manifest.yaml": Object 'Kind' is missing in '{"apiVersion":"v1","metadata":{"name":"x"}}'`,
    );
  });

  it('deletes by name and by selector, and minds nothing that is gone', async () => {
    for (const name of ['a', 'b', 'c']) await run({ action: 'create' }, configMap(name, {}, { group: name === 'c' ? 'z' : 'y' }));
    await run({ action: 'delete', flags: ['configmap', '--selector', 'group=y'] });
    expect(said).toEqual(['configmap "a" deleted', 'configmap "b" deleted']);
    await run({ action: 'delete' }, configMap('c'));
    await run({ action: 'delete' }, configMap('c'));
    expect((await resources.list('ConfigMap', 'team')).items).toEqual([]);
  });

  it('keeps the texts of a Secret as Kubernetes does', async () => {
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's' }, data: { a: 'eA==' }, stringData: { b: 'y' } };
    await run({ action: 'create' }, secret);
    const found = await resources.get({ kind: 'Secret', namespace: 'team', name: 's' });
    expect(found['data']).toEqual({ a: 'eA==', b: 'eQ==' });
    expect(found['stringData']).toBeUndefined();
  });

  it.each<[Partial<ResourceTemplate>, string, string]>([
    [
      { action: 'create' },
      '{"apiVersion":"batch/v1","kind":"Job","metadata":{"name":"x"}}',
      'objects of this kind need Kubernetes',
    ],
    [{ action: 'get', flags: ['jobs', 'x'] }, '', `the server doesn't have a resource type "jobs"`],
    [{ action: 'get', flags: ['cm', 'x', '--watch'] }, '', 'error: unknown flag: --watch'],
    [{ action: 'get', flags: ['cm'] }, '', 'no name was specified'],
    [{ action: 'create' }, 'a: [', 'error: error parsing "/tmp/manifest.yaml"'],
    [{ action: 'create' }, '', 'must specify one of -f and -k'],
    [
      { action: 'create' },
      '{"apiVersion":"argoproj.io/v1alpha1","kind":"WorkflowTemplate","metadata":{"name":"x"},"spec":{"entry":"a"}}',
      'cannot be handled as a WorkflowTemplate: strict decoding error: unknown field "spec.entry"',
    ],
  ])('refuses %j %s', async (template, manifest, message) => {
    await expect(run(template, manifest)).rejects.toThrow(message);
  });
});

describe('conditions', () => {
  const json = '{"status":{"phase":"Failed","count":3,"conditions":[{"type":"Ready","status":"True"}]}}';

  it.each([
    ['status.phase == Failed', 'reached'],
    ['status.phase in (Succeeded, Failed),status.count > 2', 'reached'],
    ['status.phase == Succeeded', 'waiting'],
    ['status.conditions.0.status == True', 'reached'],
    ['', 'reached'],
  ])('%s is %s', (successCondition, expected) => {
    expect(verdictOf({ action: 'get', successCondition })(json)).toBe(expected);
  });

  it('fail as soon as one requirement of the failure condition holds, named as Go prints it', () => {
    const verdict = verdictOf({ action: 'get', failureCondition: 'status.phase in (Failed, Error)' });
    expect(() => verdict(json)).toThrow("failure condition '{status.phase in [Error Failed]}' evaluated true");
    expect(verdict('{"status":{"phase":"Running"}}')).toBe('reached');
  });
});
