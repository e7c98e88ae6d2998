import { createHash } from 'node:crypto';

import { S3Client } from '@aws-sdk/client-s3';

import type { LentKeys, S3Settings } from './s3-settings.js';

/** Stores that one process talks to at the same time are few; beyond this the client used longest ago is closed. */
const MAX_CLIENTS = 32;

/** A store that neither answers nor ends the connection counts as away. */
const CONNECT_LIMIT_MS = 10_000;
const SILENCE_LIMIT_MS = 60_000;
const MAX_SOCKETS = 50;

export interface PoolOptions {
  requestChecksumCalculation?: 'WHEN_SUPPORTED' | 'WHEN_REQUIRED';
  maxAttempts?: number;
  /** See UploadRequest. */
  partBytes?: number | undefined;
}

/** One client (and its kept-alive connections) per endpoint and credentials. Secrets serve as a key only as a digest. */
export class S3ClientPool {
  private readonly clients = new Map<string, S3Client>();

  constructor(private readonly options: PoolOptions) {}

  get partBytes(): number | undefined {
    return this.options.partBytes;
  }

  clientFor(settings: S3Settings): S3Client {
    const id = createHash('sha256').update(JSON.stringify(settings)).digest('hex');
    const client = this.clients.get(id) ?? this.createClient(settings);
    this.clients.delete(id);
    this.clients.set(id, client);
    this.evict();
    return client;
  }

  close(): void {
    for (const client of this.clients.values()) client.destroy();
    this.clients.clear();
  }

  private createClient(settings: S3Settings): S3Client {
    const { requestChecksumCalculation = 'WHEN_SUPPORTED', maxAttempts = 3 } = this.options;
    const { endpoint, region, forcePathStyle, keys, roleArn, caCertificates } = settings;
    // The client of the token service is loaded by those who need it only.
    const lend = async (role: string): Promise<LentKeys> => (await import('./s3-credentials.js')).assumeRole(settings, role);
    const credentials = roleArn === undefined ? keys : () => lend(roleArn);
    return new S3Client({
      region,
      forcePathStyle,
      ...(endpoint === undefined ? {} : { endpoint }),
      ...(credentials === undefined ? {} : { credentials }),
      requestHandler: {
        connectionTimeout: CONNECT_LIMIT_MS,
        socketTimeout: SILENCE_LIMIT_MS,
        ...(caCertificates === undefined ? {} : { httpsAgent: { ca: caCertificates, keepAlive: true, maxSockets: MAX_SOCKETS } }),
      },
      maxAttempts,
      requestChecksumCalculation,
      responseChecksumValidation: requestChecksumCalculation,
    });
  }

  private evict(): void {
    const [oldest] = this.clients.keys();
    if (this.clients.size <= MAX_CLIENTS || oldest === undefined) return;
    this.clients.get(oldest)?.destroy();
    this.clients.delete(oldest);
  }
}
