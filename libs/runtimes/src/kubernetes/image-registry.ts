import type { ImageProgram } from '#libs/pod-spec';

import { RuntimeUnavailableError } from '../errors.js';
import { imageReference, type ImageReference } from './image-reference.js';

export interface ImageRegistryOptions {
  /** `https://host` by registry, where another serves its images. */
  mirrors?: ReadonlyMap<string, string>;
  fetch?: typeof fetch;
  /** Milliseconds since the epoch. */
  nowMs: () => number;
}

const MANIFESTS = [
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
].join(', ');
const DOCKER_HUB = 'https://registry-1.docker.io';
const ANSWER_LIMIT_MS = 10_000;
const MAX_REMEMBERED = 1_000;
/** A tag may be moved; a digest never is. */
const TAG_AGE_MS = 10 * 60_000;

interface Manifest {
  config?: { digest: string };
  manifests?: { digest: string; platform?: { os?: string; architecture?: string } }[];
}
interface ImageConfig {
  config?: { Entrypoint?: string[] | null; Cmd?: string[] | null };
}

/** What images run by themselves, as their registries say (distribution API v2), remembered. Anonymous, with the token that a registry offers. */
export class ImageRegistry {
  private readonly known = new Map<string, { atMs: number; program: Promise<ImageProgram | undefined> }>();

  constructor(private readonly options: ImageRegistryOptions) {}

  /** Undefined where the registry does not have it or does not show it to everybody. Throws RuntimeUnavailableError where it is away. */
  async programOf(image: string): Promise<ImageProgram | undefined> {
    const found = this.known.get(image);
    if (found !== undefined && (image.includes('@') || this.options.nowMs() - found.atMs < TAG_AGE_MS)) return found.program;
    const program = this.ask(imageReference(image));
    this.known.delete(image);
    this.known.set(image, { atMs: this.options.nowMs(), program });
    const [oldest] = this.known.keys();
    if (this.known.size > MAX_REMEMBERED && oldest !== undefined) this.known.delete(oldest);
    try {
      return await program;
    } catch (error) {
      this.known.delete(image);
      throw error;
    }
  }

  private async ask(reference: ImageReference): Promise<ImageProgram | undefined> {
    const session = new RegistrySession(reference, this.options);
    const manifest = await session.manifest(reference.reference);
    const chosen = manifest?.manifests === undefined ? manifest : await session.manifest(forThisPlatform(manifest.manifests));
    if (chosen?.config === undefined) return undefined;
    const found = await session.get<ImageConfig>(`blobs/${chosen.config.digest}`, '*/*');
    const { Entrypoint: entrypoint, Cmd: cmd } = found?.config ?? {};
    return { ...(entrypoint ? { entrypoint } : {}), ...(cmd ? { cmd } : {}) };
  }
}

/** The entrypoints of the platforms of one image are the same; any will do. */
function forThisPlatform(manifests: NonNullable<Manifest['manifests']>): string {
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch;
  const linux = manifests.filter(({ platform }) => platform?.os === 'linux');
  return (linux.find(({ platform }) => platform?.architecture === architecture) ?? linux[0] ?? manifests[0])?.digest ?? '';
}

/** Requests to one repository, with the token of its registry once it asked for one. */
class RegistrySession {
  private token: string | undefined;
  private readonly base: string;
  private readonly fetch: typeof fetch;

  constructor({ registry, repository }: ImageReference, { mirrors, fetch: fetching = fetch }: ImageRegistryOptions) {
    const usual = registry === 'docker.io' ? DOCKER_HUB : `https://${registry}`;
    this.base = `${mirrors?.get(registry) ?? usual}/v2/${repository}`;
    this.fetch = fetching;
  }

  manifest(reference: string): Promise<Manifest | undefined> {
    return this.get<Manifest>(`manifests/${reference}`, MANIFESTS);
  }

  async get<T>(path: string, accept: string): Promise<T | undefined> {
    let answer = await this.send(`${this.base}/${path}`, accept);
    if (answer.status === 401 && this.token === undefined) {
      this.token = await this.tokenFor(answer.headers.get('www-authenticate') ?? '');
      if (this.token !== undefined) answer = await this.send(`${this.base}/${path}`, accept);
    }
    if (answer.ok) return (await answer.json()) as T;
    if (answer.status === 429 || answer.status >= 500) throw away(this.base, `it answers ${answer.status}`);
    return undefined;
  }

  private async send(url: string, accept: string): Promise<Response> {
    const headers = { accept, ...(this.token === undefined ? {} : { authorization: `Bearer ${this.token}` }) };
    try {
      return await this.fetch(url, { headers, signal: AbortSignal.timeout(ANSWER_LIMIT_MS) });
    } catch (error) {
      throw away(url, error instanceof Error ? error.message : String(error), error);
    }
  }

  private async tokenFor(challenge: string): Promise<string | undefined> {
    const parts = new Map([...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, name = '', value = '']) => [name, value]));
    const realm = parts.get('realm');
    if (!challenge.startsWith('Bearer ') || realm === undefined) return undefined;
    const url = new URL(realm);
    for (const name of ['service', 'scope']) if (parts.has(name)) url.searchParams.set(name, parts.get(name) ?? '');
    const answer = await this.send(url.href, 'application/json');
    if (!answer.ok) return undefined;
    const { token, access_token: other } = (await answer.json()) as { token?: string; access_token?: string };
    return token ?? other;
  }
}

const away = (url: string, why: string, cause?: unknown): RuntimeUnavailableError =>
  new RuntimeUnavailableError(`the registry at ${new URL(url).host} is away: ${why}`, { cause });
