import { createHash } from 'node:crypto';
import type { Resource } from '#libs/resources';
import type { PodIdentity } from '#libs/runtimes';
import { generatedName } from '#libs/workflow-spec';

export interface ObjectPlace {
  /** '' for cluster-scoped kinds. */
  namespace: string;
  name: string;
}

/**
 * Objects of one kind, as kubectl would find them on a cluster. Throws NotFoundError, AlreadyExistsError and others of the user's in the words of
 * Kubernetes, TransientError where the objects cannot be reached now.
 */
export interface ObjectAccess {
  get(place: ObjectPlace): Promise<Resource>;
  list(namespace: string, selector: string): Promise<Resource[]>;
  /** Under the same author an object is made once: asked again, the one that is there is given. */
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
