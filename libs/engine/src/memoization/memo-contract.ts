import type { Outputs } from '#libs/workflow-spec';

/** Where remembered outputs lie: in a ConfigMap of the workflow's namespace as in Argo, or (ours) in a table without its limit of 1 MB. */
export type MemoCache = { configMap: string } | { database: string };

/** One remembered end of a node; these are the fields of Argo's entries, in its order. */
export interface MemoEntry {
  nodeID: string;
  outputs?: Outputs;
  /** RFC 3339, seconds. */
  creationTimestamp: string;
  lastHitTimestamp: string;
}

/** An entry by its place. `key` is the template's, resolved. */
export interface MemoKey {
  namespace: string;
  cache: MemoCache;
  key: string;
}

/** A short text that is different for different places. */
export const memoId = ({ namespace, cache, key }: MemoKey): string =>
  'configMap' in cache
    ? `memo/${namespace}/configMap/${cache.configMap}/${key}`
    : `memo/${namespace}/database/${cache.database}/${key}`;
