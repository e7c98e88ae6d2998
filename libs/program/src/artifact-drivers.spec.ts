import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ResourceNotFoundError, type ResourceStore } from '#libs/resources';
import type { ArtifactLocation, KubernetesObject } from '#libs/workflow-spec';
import { openArtifactDrivers } from './artifact-drivers.js';

/** Who asked, by the key of the signature. */
let asked: string[] = [];
let store: Server;
let endpoint: string;
beforeAll(async () => {
  store = createServer((request, response) => {
    asked.push(/Credential=([^/]+)/.exec(request.headers.authorization ?? '')?.[1] ?? 'nobody');
    response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => store.listen(0, '127.0.0.1', resolve));
  endpoint = `127.0.0.1:${(store.address() as AddressInfo).port}`;
});
afterAll(() => store.close());

const block = (bucket: string): KubernetesObject => ({
  ...{ endpoint, insecure: true, bucket },
  ...{ accessKeySecret: { name: 'keys', key: 'access' }, secretKeySecret: { name: 'keys', key: 'secret' } },
});
const keys = (access: string): object => ({ data: { access: btoa(access), secret: btoa('s') } });
const resources = {
  get: async ({ namespace, name }: { namespace: string; name: string }) => {
    if (name === 'keys' && namespace === 'argo') return keys('of-the-controller');
    if (name === 'keys' && namespace === 'rich') return keys('of-its-own');
    throw new ResourceNotFoundError({ kind: 'Secret', namespace, name });
  },
} as unknown as ResourceStore;

const opened = (config: object, repository?: ArtifactLocation) => {
  const drivers = openArtifactDrivers({
    ...{ resources, clock: { nowMs: () => 0 }, filesystemFolder: '/nowhere', stores: {} },
    lender: { namespace: 'argo', config: { current: () => config }, repository },
  });
  const look = async (namespace: string, bucket: string): Promise<string> => {
    asked = [];
    const location: ArtifactLocation = { s3: { ...block(bucket), key: 'k' } };
    await drivers
      .driverFor(location, { namespace })
      .head(location)
      .catch((error: Error) => asked.push(error.message));
    return asked[0] ?? '';
  };
  return { look, close: () => drivers.close() };
};

it('lends the Secrets of the repository of a variable, until the configuration names another', async () => {
  const config: { artifactRepository?: object } = {};
  const { look, close } = opened(config, { s3: block('of-a-variable') });
  expect(await look('poor', 'of-a-variable')).toBe('of-the-controller');
  config.artifactRepository = { location: { s3: block('of-all') } };
  expect(await look('poor', 'of-a-variable')).toMatch(/does not exist in namespace "poor"/);
  expect(await look('poor', 'of-all')).toBe('of-the-controller');
  close();
});

it('opens the controller’s repository with its Secrets where a namespace has none, and no other place', async () => {
  const { look, close } = opened({ artifactRepository: { location: { s3: block('of-all') } } });
  expect(await look('poor', 'of-all')).toBe('of-the-controller');
  expect(await look('rich', 'of-all')).toBe('of-its-own');
  expect(await look('poor', 'another')).toMatch(/secret "keys" with key "access" does not exist in namespace "poor"/);
  close();
});
