import { describe, expect, it } from 'vitest';

import { ResourceNotFoundError } from '#libs/resources';

import { CredentialNamespaces, isSameStore } from './credential-namespace.js';

const block = {
  endpoint: 's3:9000',
  bucket: 'b',
  accessKeySecret: { name: 'creds', key: 'a' },
  secretKeySecret: { name: 'creds', key: 's' },
};
const location = { s3: { ...block, key: 'wf/pod/o.tgz' } };
const controllers = { default: true, artifactRepository: { s3: { ...block, keyFormat: 'x/{{pod.name}}' }, archiveLogs: true } };

const namespacesWith = (...stored: string[]): CredentialNamespaces =>
  new CredentialNamespaces({
    controllerNamespace: 'argo',
    resources: {
      get: async ({ kind, namespace, name }) => {
        if (stored.includes(`${namespace}/${name}`)) return { metadata: {} } as never;
        throw new ResourceNotFoundError({ kind, namespace, name });
      },
    },
  });

describe('the namespace of credentials', () => {
  it('is the controller’s for its own repository, unless the workflow’s has such a Secret', async () => {
    const asked = { location, namespace: 'team', repository: controllers } as const;
    expect(await namespacesWith('argo/creds').namespaceFor(asked)).toBe('argo');
    expect(await namespacesWith('argo/creds', 'team/creds').namespaceFor(asked)).toBe('team');
  });

  it.each([
    ['the user chose another endpoint', { s3: { ...location.s3, endpoint: 'evil:80' } }, controllers],
    ['the user chose another bucket', { s3: { ...location.s3, bucket: 'c' } }, controllers],
    ['the repository is one of the workflow’s namespace', location, { ...controllers, default: false, namespace: 'team' }],
    ['the workflow has no repository', location, undefined],
  ])('is the workflow’s where %s', async (_case, place, repository) => {
    const asked = { location: place, namespace: 'team', repository };
    expect(await namespacesWith('argo/creds').namespaceFor(asked)).toBe('team');
  });

  it('is the controller’s too for a repository that it lends by name', async () => {
    const repository = { configMap: 'stores', key: 'k', namespace: 'argo', artifactRepository: controllers.artifactRepository };
    expect(await namespacesWith('argo/creds').namespaceFor({ location, namespace: 'team', repository })).toBe('argo');
  });
});

it('is never lent to a place whose key is a URL, since that says where the credentials go', () => {
  const secrets = { usernameSecret: { name: 'creds', key: 'u' }, passwordSecret: { name: 'creds', key: 'p' } };
  const artifactory = { artifactory: { url: 'https://store.example.com/a', ...secrets } };
  expect(isSameStore({ artifactory: { url: 'https://evil.example.com/a', ...secrets } }, artifactory)).toBe(false);
  expect(isSameStore({}, {})).toBe(false);
});
