import { describe, expect, it } from 'vitest';

import { RuntimeUnavailableError } from '../errors.js';
import { imageReference } from './image-reference.js';
import { ImageRegistry } from './image-registry.js';

describe('what an image is called', () => {
  it.each([
    ['busybox', 'docker.io', 'library/busybox', 'latest'],
    ['argoproj/argosay:v2', 'docker.io', 'argoproj/argosay', 'v2'],
    ['images.example/a/b:1', 'images.example', 'a/b', '1'],
    ['localhost:5000/b', 'localhost:5000', 'b', 'latest'],
    ['a/b@sha256:abc', 'docker.io', 'a/b', 'sha256:abc'],
  ])('reads %s', (image, registry, repository, reference) => {
    expect(imageReference(image)).toEqual({ registry, repository, reference });
  });

  it('refuses what is no name', () => {
    expect(() => imageReference('a b')).toThrow(/the name is not allowed/);
  });
});

describe('what an image runs, by its registry', () => {
  const config = { config: { Entrypoint: ['/entry'], Cmd: ['a', 'b'] } };
  const answers: Record<string, unknown> = {
    '/v2/library/x/manifests/latest': {
      manifests: [
        { digest: 'sha256:arm', platform: { os: 'windows' } },
        { digest: 'sha256:m', platform: { os: 'linux', architecture: 'amd64' } },
      ],
    },
    '/v2/library/x/manifests/sha256:m': { config: { digest: 'sha256:c' } },
    '/v2/library/x/blobs/sha256:c': config,
  };
  const registryOf = (overrides: Record<string, number> = {}) => {
    const asked: string[] = [];
    const nowMs = { value: 0 };
    const fetching = ((input: string, { headers }: { headers: Record<string, string> }) => {
      const { pathname, host } = new URL(input);
      asked.push(pathname);
      if (host === 'auth') return Promise.resolve(Response.json({ token: 't' }));
      const status = overrides[pathname];
      if (status !== undefined) return Promise.resolve(new Response('', { status }));
      if (headers['authorization'] !== 'Bearer t')
        return Promise.resolve(
          new Response('', {
            status: 401,
            headers: { 'www-authenticate': 'Bearer realm="https://auth/token",service="s",scope="r"' },
          }),
        );
      return Promise.resolve(
        answers[pathname] === undefined ? new Response('', { status: 404 }) : Response.json(answers[pathname]),
      );
    }) as unknown as typeof fetch;
    const registry = new ImageRegistry({
      mirrors: new Map([['docker.io', 'https://mirror']]),
      fetch: fetching,
      nowMs: () => nowMs.value,
    });
    return { registry, asked, nowMs };
  };

  it('reads the configuration of the image for this platform, with the token that the registry wants', async () => {
    const { registry } = registryOf();
    expect(await registry.programOf('x')).toEqual({ entrypoint: ['/entry'], cmd: ['a', 'b'] });
  });

  it('asks once, and again when a tag may have been moved', async () => {
    const { registry, asked, nowMs } = registryOf();
    await registry.programOf('x');
    const before = asked.length;
    await registry.programOf('x');
    expect(asked).toHaveLength(before);
    nowMs.value = 3_600_000;
    await registry.programOf('x');
    expect(asked.length).toBeGreaterThan(before);
  });

  it('knows nothing of an image that is not there, and waits for a registry that is away', async () => {
    expect(await registryOf().registry.programOf('none')).toBeUndefined();
    const away = registryOf({ '/v2/library/x/manifests/latest': 503 });
    await expect(away.registry.programOf('x')).rejects.toBeInstanceOf(RuntimeUnavailableError);
  });
});
