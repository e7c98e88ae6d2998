import type { Readable } from 'node:stream';
import type { ArtifactLocation } from '#libs/workflow-spec';

/** One object of a directory artifact: its key and size in bytes. */
export interface StoredObject {
  key: string;
  sizeBytes: number;
}

/** What a save may be given besides the body. `sizeBytes` is the body's exact length where it is known. */
export interface SaveOptions {
  signal?: AbortSignal;
  sizeBytes?: number;
  /** Kept beside the object; keys lower case, values ASCII. */
  metadata?: Record<string, string>;
}

/**
 * Reads and writes objects of one kind of store. Streams only: nothing is held whole in memory and no temporary file is made.
 * `location` carries exactly one driver block. Throws ArtifactNotFoundError (permanent), ArtifactKeyError (a key that would
 * leave the store; permanent), TransientError (the store is away or busy).
 */
export interface ArtifactDriver {
  /** The block's name in an artifact: `s3`, `filesystem`, `raw`, … */
  readonly kind: keyof ArtifactLocation;
  load(location: ArtifactLocation): Promise<Readable>;
  /** Of a driver whose artifacts are folders by nature: makes the folder, whose parent exists. `load` is not used then. */
  loadFolder?(location: ArtifactLocation, folder: string, options?: { signal?: AbortSignal }): Promise<void>;
  /** Resolves when the object is durable. A failed or aborted save leaves no object and no part behind. */
  save(location: ArtifactLocation, body: Readable, options?: SaveOptions): Promise<void>;
  /** Objects at or below the key, the empty key being the whole store; nothing where there is none. */
  list(location: ArtifactLocation): AsyncIterable<StoredObject>;
  /** Deleting what is not there succeeds. */
  delete(location: ArtifactLocation): Promise<void>;
  /** Metadata given at save (used as ownership mark by artifact-gc); undefined where there is no such object. */
  head(location: ArtifactLocation): Promise<{ sizeBytes: number; metadata: Record<string, string> } | undefined>;
  isDirectory(location: ArtifactLocation): Promise<boolean>;
}
