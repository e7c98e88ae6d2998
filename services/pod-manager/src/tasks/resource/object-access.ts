import { createHash } from 'node:crypto';
import type { Resource } from '#libs/resources';
import type { PodIdentity } from '#libs/runtimes';
import { generatedName, type JsonValue } from '#libs/workflow-spec';

export interface ObjectPlace {
  /** '' for cluster-scoped kinds. */
  namespace: string;
  name: string;
}

/** What becomes of what an object owns when it is deleted. */
export type Propagation = 'Background' | 'Foreground' | 'Orphan';

/** What `flags` say about writing and deleting. Where objects are kept without a cluster, writing is always strict and deletion at once and whole. */
export interface WriteFlags {
  fieldValidation: 'Strict' | 'Warn' | 'Ignore' | undefined;
  propagation: Propagation;
  /** Whether `apply` takes fields that others manage. */
  takesFields: boolean;
  /** Whether a deletion waits until the object is gone, and for how long; 0: as long as it takes. */
  waits: boolean;
  timeoutMs: number;
  /** Whether `replace` deletes and creates. */
  recreates: boolean;
  gracePeriodSeconds?: number;
  fieldManager?: string;
  subresource?: string;
}

/** Who writes, and how. Under the same author an object is made once: asked again, the one that is there is given. */
export interface Writing {
  author: string;
  flags: WriteFlags;
  /** Aborted when the task has to end. */
  signal: AbortSignal;
}

/**
 * Objects of one kind, as kubectl would find them on a cluster. Throws NotFoundError, AlreadyExistsError and others of the user's in the words of
 * Kubernetes, TransientError where the objects cannot be reached now.
 */
export interface ObjectAccess {
  get(place: ObjectPlace): Promise<Resource>;
  list(namespace: string, selector: string): Promise<Resource[]>;
  create(object: Resource, writing: Writing): Promise<void>;
  replace(object: Resource, writing: Writing): Promise<void>;
  /** Gives what kubectl says that it has done: `created`, `configured` … */
  apply(object: Resource, writing: Writing): Promise<string>;
  /** `strategy` is `json`, `merge` or `strategic`. */
  patch(place: ObjectPlace, patch: JsonValue, writing: Writing & { strategy: string }): Promise<void>;
  delete(place: ObjectPlace, writing: Writing): Promise<void>;
}

/** Objects that are kept here, without a cluster. What is replaced is the object as it was read. */
export interface KeptObjects {
  get(place: ObjectPlace): Promise<Resource>;
  list(namespace: string, selector: string): Promise<Resource[]>;
  create(object: Resource, author: string): Promise<Resource>;
  replace(object: Resource, before: Resource, author: string): Promise<Resource>;
  delete(place: ObjectPlace, author: string): Promise<void>;
}

/** Names the task in what it makes, so that it knows its own after a crash. */
export const authorOf = ({ workflowUid, nodeId, incarnation }: PodIdentity): string => `${workflowUid}/${nodeId}/${incarnation}`;

/** Letters that make no words; those of Kubernetes' own generated names. */
const SUFFIX_LETTERS = 'bcdfghjklmnpqrstvwxz2456789';
const SUFFIX_LENGTH = 5;

const digestOf = (author: string): Buffer => createHash('sha256').update(author, 'utf8').digest();

/** The name for `generateName` that the same author is given again. */
export const nameBy = (author: string, base: string): string => {
  const letters = [...digestOf(author).subarray(0, SUFFIX_LENGTH)].map((byte) => SUFFIX_LETTERS[byte % SUFFIX_LETTERS.length]);
  return generatedName(base, letters.join(''));
};

/** The uid of an object that the same author is given again. */
export const uidBy = (author: string): string => {
  const hex = digestOf(`uid ${author}`).toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-5${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
};
