import type { JsonValue, ObjectMeta } from '#libs/workflow-spec';

/** An object of the API server; other fields by its kind. */
export interface ApiObject {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta & { name: string };
  [field: string]: JsonValue | ObjectMeta | undefined;
}

/** One page of a list. */
export interface ObjectPage<T> {
  items: T[];
  /** Where the next page begins; undefined at the end. */
  continueToken?: string;
  /** Of the whole list: a watch goes on from there. */
  resourceVersion: string;
}

/** Which objects of a collection. */
export interface Selection {
  labelSelector?: string | undefined;
  fieldSelector?: string | undefined;
}

/** How a list is read. */
export interface ListOptions extends Selection {
  limit?: number | undefined;
  continueToken?: string | undefined;
  /** `0`: whatever the server has at hand; absent: the newest. */
  resourceVersion?: string | undefined;
  signal?: AbortSignal;
}

/** The owners' ways with what they own, when they are deleted. */
export type Propagation = 'Background' | 'Foreground' | 'Orphan';

/** How an object is deleted. */
export interface DeleteOptions {
  /** Only the object with this UID; another one of the name is a KubernetesConflictError. */
  uid?: string | undefined;
  /** Only in this version. */
  resourceVersion?: string | undefined;
  propagation?: Propagation | undefined;
  gracePeriodSeconds?: number | undefined;
}

/** The kinds of patches; `apply` is a server-side apply and needs a field manager. */
export type PatchType = 'merge' | 'json' | 'strategic' | 'apply';

/** How an object is changed. */
export interface WriteOptions {
  fieldManager?: string | undefined;
  /** Check only. */
  dryRun?: boolean | undefined;
  /** What the server does with unknown fields: `Strict` refuses, `Warn` and `Ignore` drop them. */
  fieldValidation?: 'Strict' | 'Warn' | 'Ignore' | undefined;
  /** Of a creation: where requests have to wait, all others go before it. */
  isPatient?: boolean | undefined;
}

/** How an object is patched. */
export interface PatchOptions extends WriteOptions {
  type: PatchType;
  /** Of `apply`: takes fields from other managers. */
  force?: boolean | undefined;
  /** `metadata`: only that part of the changed object is sent back. */
  answer?: 'metadata' | undefined;
}

/** What is read of a container's log. */
export interface LogOptions {
  container?: string | undefined;
  follow?: boolean | undefined;
  previous?: boolean | undefined;
  timestamps?: boolean | undefined;
  tailLines?: number | undefined;
  sinceSeconds?: number | undefined;
  sinceTime?: string | undefined;
  limitBytes?: number | undefined;
  signal?: AbortSignal;
}

/** How objects of one kind are addressed. */
export interface KindOfObject {
  apiVersion: string;
  kind: string;
  plural: string;
  namespaced: boolean;
}
