import { RuntimeUnavailableError } from '../errors.js';
import type { ImageReference } from './image-reference.js';
import type { PullCredential } from './pull-credentials.js';

export interface RegistrySessionOptions {
  /** `https://host` by registry, where another serves its images. */
  mirrors?: ReadonlyMap<string, string>;
  fetch?: typeof fetch;
}

/** The registry lets nobody of this name (or nobody at all) ask so often; somebody else may. */
export class RegistryLimitError extends RuntimeUnavailableError {}

const DOCKER_HUB = 'https://registry-1.docker.io';
const ANSWER_LIMIT_MS = 10_000;
const CLIENT_ID = 'argosy';

interface Challenge {
  realm: string;
  service?: string;
  scope?: string;
}

/**
 * Requests to one repository, as somebody or as nobody: with the token of its registry once it asked for one, or with name and password where it
 * asks for these. The credential goes to the registry and to the place that it names for tokens, never by plain HTTP where the registry speaks TLS.
 */
export class RegistrySession {
  private authorization: string | undefined;
  private readonly base: string;
  private readonly fetch: typeof fetch;

  constructor(
    { registry, repository }: ImageReference,
    { mirrors, fetch: fetching = fetch }: RegistrySessionOptions,
    private readonly credential?: PullCredential,
  ) {
    const usual = registry === 'docker.io' ? DOCKER_HUB : `https://${registry}`;
    this.base = `${mirrors?.get(registry) ?? usual}/v2/${repository}`;
    this.fetch = fetching;
  }

  /** Undefined where the registry does not have it, or does not show it to this one. Throws RuntimeUnavailableError where it is away. */
  async get<T>(path: string, accept: string): Promise<T | undefined> {
    let answer = await this.send(`${this.base}/${path}`, accept);
    if (answer.status === 401 && this.authorization === undefined) {
      this.authorization = await this.authorize(answer.headers.get('www-authenticate') ?? '');
      if (this.authorization !== undefined) answer = await this.send(`${this.base}/${path}`, accept);
    }
    if (answer.ok) return (await answer.json()) as T;
    if (answer.status === 429) throw new RegistryLimitError(awayMessage(this.base, 'it answers 429'));
    if (answer.status >= 500) throw new RuntimeUnavailableError(awayMessage(this.base, `it answers ${answer.status}`));
    return undefined;
  }

  private send(url: string, accept: string): Promise<Response> {
    const headers = { accept, ...(this.authorization === undefined ? {} : { authorization: this.authorization }) };
    return this.request(url, { headers });
  }

  private async request(url: string, init: RequestInit): Promise<Response> {
    try {
      return await this.fetch(url, { ...init, signal: AbortSignal.timeout(ANSWER_LIMIT_MS) });
    } catch (error) {
      throw new RuntimeUnavailableError(awayMessage(url, error instanceof Error ? error.message : String(error)), {
        cause: error,
      });
    }
  }

  /** What the registry wants to see, by what it said when it was asked without. */
  private async authorize(header: string): Promise<string | undefined> {
    if (/^basic\b/i.test(header)) return basic(this.credential);
    const challenge = challengeOf(header);
    if (challenge === undefined) return undefined;
    const isDowngrade = this.base.startsWith('https:') && !challenge.realm.startsWith('https:');
    const credential = isDowngrade ? undefined : this.credential;
    const answer = await (credential?.identityToken === undefined
      ? this.askToken(challenge, credential)
      : this.refreshToken(challenge, credential.identityToken));
    if (!answer.ok) return undefined;
    const { token, access_token: other } = (await answer.json()) as { token?: string; access_token?: string };
    const given = token ?? other;
    return given === undefined ? undefined : `Bearer ${given}`;
  }

  private askToken({ realm, service, scope }: Challenge, credential: PullCredential | undefined): Promise<Response> {
    const url = new URL(realm);
    if (service !== undefined) url.searchParams.set('service', service);
    if (scope !== undefined) url.searchParams.set('scope', scope);
    const authorization = basic(credential);
    const headers = { accept: 'application/json', ...(authorization === undefined ? {} : { authorization }) };
    return this.request(url.href, { headers });
  }

  private refreshToken({ realm, service = '', scope = '' }: Challenge, identityToken: string): Promise<Response> {
    const form = { grant_type: 'refresh_token', client_id: CLIENT_ID, service, scope, refresh_token: identityToken };
    return this.request(realm, { method: 'POST', body: new URLSearchParams(form) });
  }
}

const basic = (credential: PullCredential | undefined): string | undefined =>
  credential?.username === undefined
    ? undefined
    : `Basic ${Buffer.from(`${credential.username}:${credential.password ?? ''}`).toString('base64')}`;

function challengeOf(header: string): Challenge | undefined {
  const { realm, service, scope } = Object.fromEntries(
    [...header.matchAll(/(\w+)="([^"]*)"/g)].map(([, name = '', value = '']) => [name, value]),
  );
  if (!/^bearer\b/i.test(header) || realm === undefined || !URL.canParse(realm)) return undefined;
  return { realm, ...(service === undefined ? {} : { service }), ...(scope === undefined ? {} : { scope }) };
}

const awayMessage = (url: string, why: string): string => `the registry at ${new URL(url).host} is away: ${why}`;
