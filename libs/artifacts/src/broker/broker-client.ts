import { TransientError, type ArtifactLocation } from '#libs/workflow-spec';

import { ArtifactAccessError, ArtifactLocationError, ArtifactNotFoundError } from '../errors.js';
import { exchange, type HttpAnswer, textOf } from '../http/exchange.js';
import { keyOf } from '../location.js';

/** Where a broker listens, and the token of the pod for which it is asked. */
export interface BrokerAddress {
  url: string;
  token: string;
}

/** A request that the broker lends: it goes to the store with exactly these headers. */
export interface LentRequest {
  url: string;
  headers: Record<string, string>;
}

const ROUTES = '/api/argosy/v1/artifact-broker';

/** The broker leaves a place to whoever asks: it is opened with their own identity. */
export class OwnIdentityError extends ArtifactAccessError {}

/** Asks the broker of an installation (docs/broker.md). Throws the errors of drivers, as if the store had been asked itself. */
export class BrokerClient {
  private readonly base: string;

  constructor(private readonly address: BrokerAddress) {
    this.base = address.url.replace(/\/+$/, '');
  }

  /** The answer to a question about a location, as the route gives it. */
  async ask<Answer>(route: string, location: ArtifactLocation, order: object = {}): Promise<Answer> {
    return JSON.parse(await textOf(await this.open(route, location, order))) as Answer;
  }

  /** The same where the answer is a stream; its body must be read or destroyed. */
  async open(route: string, location: ArtifactLocation, order: object = {}): Promise<HttpAnswer> {
    const answer = await exchange({
      method: 'POST',
      url: `${this.base}${ROUTES}${route}`,
      headers: { ...this.credential(), 'content-type': 'application/json' },
      body: Buffer.from(JSON.stringify({ location, ...order })),
    });
    if (answer.status >= 200 && answer.status < 300) return answer;
    throw refusal(answer.status, await textOf(answer), location);
  }

  /** A lent request as it is sent: one whose way leads through the broker carries the token, any other must not. */
  addressed({ url, headers }: LentRequest): LentRequest {
    return url.startsWith('/') ? { url: `${this.base}${url}`, headers: { ...headers, ...this.credential() } } : { url, headers };
  }

  private credential(): { authorization: string } {
    return { authorization: `Bearer ${this.address.token}` };
  }
}

function refusal(status: number, text: string, location: ArtifactLocation): Error {
  const { reason, message } = refusalFields(text);
  const words = `artifact broker: ${message ?? `status ${status}`}`;
  if (reason === 'not-found') return new ArtifactNotFoundError(keyOf(location) ?? '');
  if (reason === 'own-identity') return new OwnIdentityError(words);
  if (reason === 'location') return new ArtifactLocationError(message ?? words);
  if (reason === 'transient' || status >= 500)
    return reason === 'access' ? new ArtifactAccessError(words) : new TransientError(words);
  return new ArtifactAccessError(words);
}

function refusalFields(text: string): { reason?: string; message?: string } {
  try {
    return JSON.parse(text) as { reason?: string; message?: string };
  } catch {
    return {};
  }
}
