import { createScope, parseGoJson, type Scope } from '#libs/expressions';

/** One event as it came in. */
export interface ReceivedEvent {
  namespace: string;
  discriminator: string;
  /** Any JSON; undefined where there was no body. */
  payload: unknown;
  /** Headers by their names in lower case. */
  headers: Readonly<Record<string, string | readonly string[] | undefined>>;
}

/** Values as Go's encoding/json would have read them: all numbers are floats. */
const asGo = (value: unknown): unknown => parseGoJson(JSON.stringify(value ?? null));

/** What expressions of event bindings see: `namespace`, `discriminator`, `payload`, and in `metadata` the headers that begin with `x-`, as lists. */
export const eventScope = ({ namespace, discriminator, payload, headers }: ReceivedEvent): Scope => {
  const metadata: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (name.startsWith('x-') && value !== undefined) metadata[name] = typeof value === 'string' ? [value] : [...value];
  }
  return createScope(
    new Map<string, unknown>([
      ['namespace', namespace],
      ['discriminator', discriminator],
      ['payload', asGo(payload)],
      ['metadata', asGo(metadata)],
    ]),
  );
};
