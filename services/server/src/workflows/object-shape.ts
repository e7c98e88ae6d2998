import { ApiError } from '../errors/errors.js';

const GO_KIND: Readonly<Record<string, string>> = { number: 'number', boolean: 'bool', object: 'object' };
const TEXT_FIELDS = ['name', 'generateName', 'namespace', 'uid', 'resourceVersion'] as const;

/** Refuses metadata whose texts are not texts, in the words that Argo's JSON decoder has for it; `path` is where it stands in the body. */
export function assertMetadataTexts(object: unknown, path: string): void {
  if (object === null || typeof object !== 'object') return;
  const metadata = (object as { metadata?: unknown }).metadata;
  if (metadata === null || typeof metadata !== 'object') return;
  for (const field of TEXT_FIELDS) {
    const value = (metadata as Record<string, unknown>)[field];
    if (value === undefined || value === null || typeof value === 'string') continue;
    const kind = Array.isArray(value) ? 'array' : (GO_KIND[typeof value] ?? 'object');
    throw new ApiError(
      3,
      `json: cannot unmarshal ${kind} into Go struct field ObjectMeta.${path}.metadata.${field} of type string`,
    );
  }
}

/** The member of a request's body, undefined where the body is not an object. */
export function memberOf(body: unknown, name: string): unknown {
  if (body === null || typeof body !== 'object' || Array.isArray(body)) return undefined;
  return Object.hasOwn(body, name) ? (body as Record<string, unknown>)[name] : undefined;
}
