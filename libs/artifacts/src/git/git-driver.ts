import type { Readable } from 'node:stream';

import type { ArtifactLocation } from '#libs/workflow-spec';

import type { ArtifactDriver, StoredObject } from '../contract.js';
import { ArtifactAccessError } from '../errors.js';
import type { SecretScope } from '../secrets/secret-fields.js';

import { checkOut } from './check-out.js';
import { gitOrder } from './git-order.js';

/**
 * A checked out repository (Argo v4.1 `artifacts/git`), by the `git` program of the host. It is a folder, `.git` included, and
 * can only be loaded.
 */
export class GitArtifactDriver implements ArtifactDriver {
  readonly kind = 'git';

  constructor(private readonly scope: SecretScope) {}

  async loadFolder(location: ArtifactLocation, folder: string, options: { signal?: AbortSignal } = {}): Promise<void> {
    await checkOut(await gitOrder(location, this.scope), folder, options.signal);
  }

  async load(): Promise<Readable> {
    throw new ArtifactAccessError('a repository of git is a folder: it cannot be read as one object');
  }

  async save(_location: ArtifactLocation, body: Readable): Promise<void> {
    body.destroy();
    throw new ArtifactAccessError('artifacts of the git driver can only be read');
  }

  async *list(): AsyncIterable<StoredObject> {
    throw new ArtifactAccessError('there is no way to list artifacts of the git driver');
  }

  async delete(): Promise<void> {
    throw new ArtifactAccessError('artifacts of the git driver can only be read');
  }

  async head(): Promise<undefined> {
    throw new ArtifactAccessError('there is no way to look at artifacts of the git driver');
  }

  async isDirectory(): Promise<boolean> {
    return true;
  }
}
