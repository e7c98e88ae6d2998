import { Readable } from 'node:stream';

import type { ArtifactLocation } from '#libs/workflow-spec';

import type { ArtifactDriver, StoredObject } from '../contract.js';
import { ArtifactAccessError, ArtifactLocationError } from '../errors.js';

/** Text that stands in the workflow itself. It can only be read; saving and deleting are refused (Argo v4.1 `artifacts/raw`). */
export class RawArtifactDriver implements ArtifactDriver {
  readonly kind = 'raw';

  async load(location: ArtifactLocation): Promise<Readable> {
    return Readable.from([bytesOf(location)], { objectMode: false });
  }

  async save(): Promise<void> {
    throw new ArtifactAccessError('artifacts of the raw driver can only be read');
  }

  async *list(location: ArtifactLocation): AsyncIterable<StoredObject> {
    yield { key: '', sizeBytes: bytesOf(location).length };
  }

  async delete(): Promise<void> {
    throw new ArtifactAccessError('artifacts of the raw driver can only be read');
  }

  async head(location: ArtifactLocation): Promise<{ sizeBytes: number; metadata: Record<string, string> }> {
    return { sizeBytes: bytesOf(location).length, metadata: {} };
  }

  async isDirectory(): Promise<boolean> {
    return false;
  }
}

function bytesOf(location: ArtifactLocation): Buffer {
  const data = location.raw?.data;
  if (typeof data !== 'string') throw new ArtifactLocationError('raw.data is required');
  return Buffer.from(data, 'utf8');
}
