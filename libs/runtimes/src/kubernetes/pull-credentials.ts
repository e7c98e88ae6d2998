import { z } from 'zod';

import type { ImageReference } from './image-reference.js';

/** Somebody whom a registry knows: by name and password, or by a token that it gives others for. */
export interface PullCredential {
  username?: string;
  password?: string;
  identityToken?: string;
}

const entry = z.object({
  auth: z.string().optional(),
  username: z.string().optional(),
  password: z.string().optional(),
  identitytoken: z.string().optional(),
});
const entries = z.record(z.string(), entry);
const dockerConfig = z.object({ auths: entries.optional() });

/** The keys in which Kubernetes keeps what `docker login` writes, and how each is read. */
const READERS: Record<string, (written: unknown) => z.infer<typeof entries> | undefined> = {
  '.dockerconfigjson': (written) => dockerConfig.safeParse(written).data?.auths,
  '.dockercfg': (written) => entries.safeParse(written).data,
};

/**
 * Whom an image's registry may know, out of the data of a Secret for pulling images (base64 by key): the entries for its host and path, the closest
 * first, as the kubelet has it. What cannot be read gives nobody.
 */
export function pullCredentials(data: Readonly<Record<string, string>>, image: ImageReference): PullCredential[] {
  return Object.entries(READERS)
    .flatMap(([key, read]) => Object.entries(read(json(data[key])) ?? {}))
    .filter(([place]) => isFor(place, image))
    .sort(([left], [right]) => bare(right).length - bare(left).length)
    .flatMap(([, written]) => credentialOf(written) ?? []);
}

function json(encoded: string | undefined): unknown {
  try {
    return JSON.parse(Buffer.from(encoded ?? '', 'base64').toString('utf8'));
  } catch {
    return undefined;
  }
}

function credentialOf({ auth, username, password, identitytoken }: z.infer<typeof entry>): PullCredential | undefined {
  const [, name = username, secret = password] = /^([^:]*):(.*)$/s.exec(Buffer.from(auth ?? '', 'base64').toString('utf8')) ?? [];
  if (identitytoken) return { identityToken: identitytoken };
  return name ? { username: name, password: secret ?? '' } : undefined;
}

/** Without a scheme, and without the version of the API that old entries end in. */
const bare = (place: string): string =>
  place
    .replace(/^https?:\/\//, '')
    .replace(/\/+$/, '')
    .replace(/\/v[12]$/, '');

const HUB = new Set(['docker.io', 'index.docker.io', 'registry-1.docker.io']);

/** Hosts match part by part, where `*` stands for what it may within one; a path is the beginning of the repository. */
function isFor(place: string, { registry, repository }: ImageReference): boolean {
  const [host = '', ...path] = bare(place).split('/');
  const isHost = HUB.has(host) ? registry === 'docker.io' : matchesHost(host, registry);
  return isHost && path.every((part, index) => repository.split('/')[index] === part);
}

function matchesHost(pattern: string, host: string): boolean {
  const wanted = pattern.split('.');
  const found = host.split('.');
  return wanted.length === found.length && wanted.every((part, index) => matchesPart(part, found[index] ?? ''));
}

const matchesPart = (pattern: string, part: string): boolean =>
  new RegExp(`^${pattern.replace(/[-/\\^$+?.()|[\]{}]/g, String.raw`\$&`).replaceAll('*', '.*')}$`).test(part);
