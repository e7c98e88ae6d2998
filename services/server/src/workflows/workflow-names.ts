import { randomBytes, createHash } from 'node:crypto';
import { generatedName } from '#libs/workflow-spec';
import { ApiError } from '../errors/errors.js';

/** Letters that make no words; those of Kubernetes' own generated names. */
const SUFFIX_LETTERS = 'bcdfghjklmnpqrstvwxz2456789';
const SUFFIX_LENGTH = 5;
const SUBDOMAIN = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$/;
const LABEL = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?$/;

/** A name for `generateName`, as Kubernetes would give it. */
export function randomName(base: string): string {
  const suffix = [...randomBytes(SUFFIX_LENGTH)].map((byte) => SUFFIX_LETTERS[byte % SUFFIX_LETTERS.length] ?? 'x').join('');
  return generatedName(base, suffix);
}

const invalid = (kind: string, name: string, problem: string): ApiError =>
  new ApiError(3, `${kind}.argoproj.io ${JSON.stringify(name.slice(0, 300))} is invalid: ${problem}`);

/** Refuses what Kubernetes would refuse as the name of an object of ours (RFC 1123 subdomain, at most 253 characters). */
export function assertObjectName(kind: string, name: string | undefined): asserts name is string {
  if (name === undefined || name === '')
    throw invalid(kind, '', 'metadata.name: Required value: name or generateName is required');
  if (name.length > 253) throw invalid(kind, name, 'metadata.name: Invalid value: must be no more than 253 characters');
  if (!SUBDOMAIN.test(name)) {
    throw invalid(
      kind,
      name,
      `metadata.name: Invalid value: ${JSON.stringify(name.slice(0, 300))}: a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character`,
    );
  }
}

/** A namespace as Kubernetes allows it (RFC 1123 label). */
export function assertNamespace(namespace: string): void {
  if (namespace.length <= 63 && LABEL.test(namespace)) return;
  throw new ApiError(
    3,
    `namespace ${JSON.stringify(namespace.slice(0, 100))} is invalid: it must consist of lower case alphanumeric characters or '-'`,
  );
}

/** A uid that the same key gives again, so that a repeated submission finds its first run. */
export function uidOfKey(namespace: string, key: string): string {
  const hex = createHash('sha256').update(`${namespace}\0${key}`, 'utf8').digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-5${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
