import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { parseManifests } from '#libs/workflow-spec';
import { z } from 'zod';
import { SERVER_CONTEXT, type ServerContext } from '../ports.js';
import { StoredObjects } from '../templates/stored-objects.js';

/** Argo's Secret of clients that sign their events instead of carrying a token: a key for each, `{type, secret}` below it as YAML. */
const SECRET_NAME = 'argo-workflows-webhook-clients';

const clientSchema = z.strictObject({
  type: z.enum(['github', 'gitlab', 'bitbucket', 'bitbucketserver']),
  secret: z.string().min(1),
});
type Client = z.output<typeof clientSchema>;

/** What came in, unread: signatures are over the bytes. */
export interface SignedEvent {
  namespace: string;
  body: Buffer;
  header: (name: string) => string | undefined;
}

/** Compared over digests, so that neither content nor length can be measured. */
const isSame = (given: string | undefined, expected: string): boolean => {
  const digest = (text: string): Buffer => createHash('sha256').update(text, 'utf8').digest();
  return given !== undefined && timingSafeEqual(digest(given), digest(expected));
};

const signatureOf = (algorithm: 'sha1' | 'sha256', { secret }: Client, body: Buffer): string =>
  `${algorithm}=${createHmac(algorithm, secret).update(body).digest('hex')}`;

const isFrom = (client: Client, { body, header }: SignedEvent): boolean => {
  switch (client.type) {
    case 'github':
      return header('x-hub-signature-256') === undefined
        ? isSame(header('x-hub-signature'), signatureOf('sha1', client, body))
        : isSame(header('x-hub-signature-256'), signatureOf('sha256', client, body));
    case 'gitlab':
      return isSame(header('x-gitlab-token'), client.secret);
    case 'bitbucket':
      return isSame(header('x-hook-uuid'), client.secret);
    case 'bitbucketserver':
      return isSame(header('x-hub-signature'), signatureOf('sha256', client, body));
  }
};

/** Who may send events without a token: the webhook clients of the event's namespace, by what they sign or know. */
@Injectable()
export class WebhookClients {
  constructor(
    @Inject(StoredObjects) private readonly objects: StoredObjects,
    @Inject(SERVER_CONTEXT) private readonly context: ServerContext,
  ) {}

  /** Name of the client that sent the event; undefined where none did. */
  async senderOf(event: SignedEvent): Promise<string | undefined> {
    const secret = await this.objects.find('Secret', event.namespace, SECRET_NAME);
    const data = (secret?.['data'] ?? {}) as Record<string, string>;
    for (const [name, value] of Object.entries(data)) {
      const client = this.clientOf(event.namespace, name, Buffer.from(value, 'base64').toString('utf8'));
      if (client !== undefined && isFrom(client, event)) return name;
    }
    return undefined;
  }

  /** The log names the client and never what stands there. */
  private clientOf(namespace: string, name: string, text: string): Client | undefined {
    try {
      return clientSchema.parse(parseManifests(text)[0]?.value);
    } catch {
      this.context.logger.warn('a webhook client cannot be read: it must have a known type and a secret', {
        namespace,
        client: name,
      });
      return undefined;
    }
  }
}
