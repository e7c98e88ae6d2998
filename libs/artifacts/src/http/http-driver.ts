import { randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

import type { ArtifactLocation } from '#libs/workflow-spec';

import type { ArtifactDriver, SaveOptions, StoredObject } from '../contract.js';
import { ArtifactAccessError, ArtifactLocationError } from '../errors.js';
import { type Block, type SecretScope, secretAt, textAt } from '../secrets/secret-fields.js';
import { wholeBody } from '../whole-body.js';

import { announcedBytes, done, type HttpRequest, shownUrl, successful } from './exchange.js';
import { basicAuthorization, httpCredentials } from './http-credentials.js';

/**
 * Objects behind a URL: loaded by GET, saved by PUT (Argo v4.1 `artifacts/http`, `artifacts/artifactory`). There is no common way
 * to list, delete or mark what is behind a URL, so those are refused. Whether a save that broke off leaves something is the
 * server's affair; its end is never sent.
 */
export class HttpArtifactDriver implements ArtifactDriver {
  constructor(
    readonly kind: 'http' | 'artifactory',
    private readonly scope: SecretScope,
  ) {}

  async load(location: ArtifactLocation): Promise<Readable> {
    const request = await this.request(location);
    const answer = await successful({ ...request, method: 'GET' });
    return wholeBody(answer.body, announcedBytes(answer), shownUrl(request.url));
  }

  async save(location: ArtifactLocation, body: Readable, options: SaveOptions = {}): Promise<void> {
    try {
      const request: HttpRequest = { ...(await this.request(location)), method: 'PUT' };
      const { sizeBytes, signal } = options;
      if (location[this.kind]?.['saveStreamViaFile'] === true) await putFromFile(request, body, signal);
      else await done({ ...request, body, ...given({ sizeBytes, signal }) });
    } finally {
      body.destroy();
    }
  }

  async *list(): AsyncIterable<StoredObject> {
    throw this.refusal('list');
  }

  async delete(): Promise<void> {
    throw this.refusal('delete');
  }

  async head(): Promise<undefined> {
    throw this.refusal('look at');
  }

  async isDirectory(): Promise<boolean> {
    return false;
  }

  private refusal(what: string): ArtifactAccessError {
    return new ArtifactAccessError(`there is no way to ${what} artifacts of the ${this.kind} driver`);
  }

  private async request(location: ArtifactLocation): Promise<Omit<HttpRequest, 'method'>> {
    const block: Block = location[this.kind] ?? {};
    const url = urlOf(block, this.kind);
    if (this.kind === 'http') return { url, ...(await httpCredentials(block, this.scope)) };
    const [name, password] = await Promise.all([
      secretAt(block['usernameSecret'], 'artifactory.usernameSecret', this.scope),
      secretAt(block['passwordSecret'], 'artifactory.passwordSecret', this.scope),
    ]);
    return { url, headers: basicAuthorization(name, password) };
  }
}

/** A repository of Artifactory gives a `repoURL`, under which its artifacts have relative ones. */
function urlOf(block: Block, kind: string): string {
  const url = textAt(block, 'url');
  if (url === undefined) throw new ArtifactLocationError(`${kind}.url is required`);
  const repository = textAt(block, 'repoURL');
  if (repository === undefined || /^https?:\/\//.test(url)) return url;
  return `${repository.replace(/\/$/, '')}/${url.replace(/^\//, '').split('/').map(encodeURIComponent).join('/')}`;
}

/** For servers that must know the length before the first byte (`saveStreamViaFile`). */
async function putFromFile(request: HttpRequest, body: Readable, signal: AbortSignal | undefined): Promise<void> {
  const spool = path.join(tmpdir(), `argosy-upload-${randomUUID()}`);
  try {
    await pipeline(body, createWriteStream(spool, { flags: 'wx', mode: 0o600 }), given({ signal }));
    const { size } = await stat(spool);
    await done({ ...request, body: createReadStream(spool), sizeBytes: size, ...given({ signal }) });
  } finally {
    await rm(spool, { force: true });
  }
}

function given(fields: { sizeBytes?: number | undefined; signal?: AbortSignal | undefined }): {
  sizeBytes?: number;
  signal?: AbortSignal;
} {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
