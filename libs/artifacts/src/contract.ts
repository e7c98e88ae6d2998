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

/** A request on one object that can be sent without any credential until it expires; the headers go with it exactly so. */
export interface PresignedRequest {
  method: 'GET' | 'PUT';
  url: string;
  headers: Record<string, string>;
}
/** What is to be presigned. `sizeBytes` is the exact length of the body that will be sent. Shorter-lived where the signing keys are. */
export type PresignOrder = { nowMs: number; expiresInMs: number } & (
  { operation: 'load' } | { operation: 'save'; sizeBytes: number; metadata: Record<string, string> }
);
/** The request that carries one part of an upload; its answer's `ETag` is needed for the completion. */
export type PresignedPart = PresignedRequest & { number: number };

/** Uploads whose parts somebody without credentials sends. The object appears with `complete`; `abort` leaves nothing. */
export interface PartUploads {
  /** Undefined where this location cannot be lent. Every part but the last has `partBytes`, which is at least what is asked for. */
  begin(
    location: ArtifactLocation,
    options: { metadata: Record<string, string>; sizeBytes?: number | undefined; partBytes?: number | undefined },
  ): Promise<{ uploadId: string; partBytes: number } | undefined>;
  presignParts(
    location: ArtifactLocation,
    order: { uploadId: string; first: number; count: number; nowMs: number; expiresInMs: number },
  ): Promise<PresignedPart[]>;
  complete(
    location: ArtifactLocation,
    order: { uploadId: string; parts: readonly { number: number; etag: string }[] },
  ): Promise<void>;
  abort(location: ArtifactLocation, order: { uploadId: string }): Promise<void>;
}

/**
 * Reads and writes objects of one kind of store. Streams only: nothing is held whole in memory and no temporary file is made.
 * `location` carries exactly one driver block. Throws ArtifactNotFoundError (permanent), ArtifactKeyError (a key that would
 * leave the store; permanent), TransientError (the store is away or busy).
 */
export interface ArtifactDriver {
  /** The block's name in an artifact: `s3`, `filesystem`, `raw`, … */
  readonly kind: keyof ArtifactLocation;
  /** False where the store keeps no metadata beside objects, so that nobody can tell whose they are. */
  readonly keepsMetadata?: false;
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
  /** Of stores that can: a request that needs no credential. Undefined where this location cannot be lent; then the bytes pass through whoever has them. */
  presign?(location: ArtifactLocation, order: PresignOrder): Promise<PresignedRequest | undefined>;
  /** Of stores that can: see `PartUploads`. */
  readonly partUploads?: PartUploads;
  /**
   * Of stores that can: deletes objects that differ in their keys alone, many in one request. Gives the error of each that is still there, by
   * its place in `locations`; throws where the store refuses or is away as a whole.
   */
  deleteMany?(locations: readonly ArtifactLocation[]): Promise<Map<number, unknown>>;
}
