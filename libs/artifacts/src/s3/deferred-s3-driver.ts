import type { Readable } from 'node:stream';

import type { ArtifactLocation } from '#libs/workflow-spec';

import type { ArtifactDriver, SaveOptions, StoredObject } from '../contract.js';

/**
 * The S3 driver, loaded with the first call: the SDK costs a quarter of a second and 35 MB (measured on Node 24), which a program
 * that keeps its artifacts in a folder need not pay.
 */
export class DeferredS3Driver implements ArtifactDriver {
  readonly kind = 's3';

  constructor(private readonly open: () => Promise<ArtifactDriver>) {}

  async load(location: ArtifactLocation): Promise<Readable> {
    return (await this.open()).load(location);
  }

  async save(location: ArtifactLocation, body: Readable, options?: SaveOptions): Promise<void> {
    await (await this.open()).save(location, body, options);
  }

  async *list(location: ArtifactLocation): AsyncIterable<StoredObject> {
    yield* (await this.open()).list(location);
  }

  async delete(location: ArtifactLocation): Promise<void> {
    await (await this.open()).delete(location);
  }

  async head(location: ArtifactLocation): Promise<{ sizeBytes: number; metadata: Record<string, string> } | undefined> {
    return (await this.open()).head(location);
  }

  async isDirectory(location: ArtifactLocation): Promise<boolean> {
    return (await this.open()).isDirectory(location);
  }
}
