import type { JsonValue } from '#libs/workflow-spec';

import { ArtifactAccessError, ArtifactLocationError } from '../errors.js';

/**
 * Value of one key of a Secret; undefined where the Secret or the key does not exist. `encoding` says how bytes become text:
 * `base64` for those that are no text (keys of a cipher); default `utf8`.
 */
export type SecretReader = (selector: {
  namespace: string;
  name: string;
  key: string;
  encoding?: 'utf8' | 'base64';
}) => Promise<string | undefined>;

/** The Secrets of one namespace, read each time anew and never kept. */
export interface SecretScope {
  namespace: string;
  readSecret: SecretReader;
}

/** A driver's block as it stands in an artifact. */
export type Block = { readonly [field: string]: JsonValue | undefined };

/** Whether a field was given: neither left out, nor null, nor empty. */
export function isSet(value: JsonValue | undefined): value is Exclude<JsonValue, null> {
  return value !== undefined && value !== null && value !== '';
}

/** The object at a field of a block; empty where there is none. */
export function blockAt(block: Block, field: string): Block {
  const value = block[field];
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};
}

/** The text at a field of a block; undefined where it is absent or empty. */
export function textAt(block: Block, field: string): string | undefined {
  const value = block[field];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/**
 * The value that a selector (`{name, key}`) chooses; undefined where no selector is given. `field` is its name in messages.
 * Throws ArtifactLocationError for half a selector, ArtifactAccessError where there is no such Secret.
 */
export async function secretAt(
  selector: JsonValue | undefined,
  field: string,
  scope: SecretScope & { encoding?: 'utf8' | 'base64' },
): Promise<string | undefined> {
  if (!isSet(selector)) return undefined;
  const { name, key } = selector as { name?: JsonValue; key?: JsonValue };
  if (!isText(name) || !isText(key)) throw new ArtifactLocationError(`${field} needs name and key`);
  const { namespace, readSecret, encoding = 'utf8' } = scope;
  const value = await readSecret({ namespace, name, key, encoding });
  if (value !== undefined) return value;
  throw new ArtifactAccessError(`${field}: secret "${name}" with key "${key}" does not exist in namespace "${namespace}"`);
}

function isText(value: JsonValue | undefined): value is string {
  return typeof value === 'string' && value !== '';
}
