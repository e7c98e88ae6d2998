import { describe, expect, it } from 'vitest';
import type { Resource, ResourceKey } from './contract.js';
import { ResourceNotFoundError } from './errors.js';
import { RepositoryReferences } from './repository-references.js';

const configMap = (data: Record<string, string>, defaultKey?: string): Resource =>
  ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      ...(defaultKey === undefined ? {} : { annotations: { 'workflows.argoproj.io/default-artifact-repository': defaultKey } }),
    },
    data,
  }) as unknown as Resource;

const OWN = configMap(
  { first: 's3: {bucket: one, keyFormat: "k/{{pod.name}}"}\narchiveLogs: true', broken: 's3: {buckett: x}', none: '{}' },
  'first',
);
const STORED = new Map([
  ['team/artifact-repositories', OWN],
  ['argo/artifact-repositories', configMap({ shared: 'filesystem: {}' }, 'shared')],
  ['bare/artifact-repositories', configMap({ first: 's3: {bucket: one}' })],
]);
const references = new RepositoryReferences(
  {
    get: (key: ResourceKey) => {
      const found = STORED.get(`${key.namespace}/${key.name}`);
      return found ? Promise.resolve(found) : Promise.reject(new ResourceNotFoundError(key));
    },
  },
  'argo',
);
const load = (namespace: string, reference: { configMap?: string; key?: string } = {}) =>
  references.load({ namespace, ...reference });

describe('the repository that a workflow refers to', () => {
  it('is the default of its namespace, with its format of keys', async () => {
    expect(await load('team')).toEqual({
      kind: 'repository',
      reference: { configMap: 'artifact-repositories', key: 'first', namespace: 'team' },
      repository: { location: { s3: { bucket: 'one' } }, keyFormat: 'k/{{pod.name}}', archiveLogs: true },
    });
  });

  it('is none where the namespace names no default, whatever the controller’s namespace has', async () => {
    expect([await load('bare'), await load('other')]).toEqual([null, null]);
  });

  it('is looked for in the namespace, then in the controller’s, where it is named', async () => {
    expect(await load('team', { key: 'shared' })).toMatchObject({ reference: { namespace: 'argo', key: 'shared' } });
    expect(await load('team', { configMap: 'artifact-repositories' })).toMatchObject({ reference: { namespace: 'team' } });
    expect(await load('team', { key: 'nowhere' })).toBeNull();
    expect(await load('team', { key: 'none' })).toBeNull();
  });

  it('is told with the field and the rule where it cannot be read', async () => {
    expect(await load('team', { key: 'broken' })).toEqual({
      kind: 'repository',
      problem: expect.stringMatching(/^artifact repository "broken" of ConfigMap team\/artifact-repositories: s3: .*buckett/),
    });
  });
});
