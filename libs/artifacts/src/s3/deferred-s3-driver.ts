import type { Readable } from 'node:stream';

import type { ArtifactLocation } from '#libs/workflow-spec';

import type { ArtifactDriver, PartUploads, PresignedRequest, PresignOrder, SaveOptions, StoredObject } from '../contract.js';

/** What an S3 driver can do beyond the others. */
type S3Driver = ArtifactDriver & Required<Pick<ArtifactDriver, 'deleteMany' | 'partUploads' | 'presign'>>;

/**
 * The S3 driver, loaded with the first call: the SDK costs a quarter of a second and 35 MB (measured on Node 24), which a program
 * that keeps its artifacts in a folder need not pay.
 */
export class DeferredS3Driver implements ArtifactDriver {
  readonly kind = 's3';

  constructor(private readonly open: () => Promise<S3Driver>) {}

  /** Each call finds the opened driver first. */
  readonly partUploads: PartUploads = {
    begin: async (location, options) => (await this.open()).partUploads.begin(location, options),
    presignParts: async (location, order) => (await this.open()).partUploads.presignParts(location, order),
    complete: async (location, order) => (await this.open()).partUploads.complete(location, order),
    abort: async (location, order) => (await this.open()).partUploads.abort(location, order),
  };

  async presign(location: ArtifactLocation, order: PresignOrder): Promise<PresignedRequest | undefined> {
    return (await this.open()).presign(location, order);
  }

  async deleteMany(locations: readonly ArtifactLocation[]): Promise<Map<number, unknown>> {
    return (await this.open()).deleteMany(locations);
  }

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
