import { type ArgoDialect } from './argo-place.js';

/** A statement with `?` for each value, as the server wants it: `$1`, `$2` … in Postgres. The text has no other question mark. */
export const withPlaceholders = (dialect: ArgoDialect, text: string): string => {
  let index = 0;
  return dialect === 'mysql' ? text : text.replaceAll('?', () => `$${++index}`);
};
