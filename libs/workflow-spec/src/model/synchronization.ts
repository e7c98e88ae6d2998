/** A lock that one holder at a time may have. `database`: shared through the sync tables (Argo's name for it; here every lock is in the database). */
export interface MutexRef {
  name?: string;
  /** Default: the workflow's. */
  namespace?: string;
  database?: boolean;
}

/** A lock that as many may hold as a ConfigMap's key or a row of `sync_limit` says; exactly one of the two. */
export interface SemaphoreRef {
  configMapKeyRef?: { name?: string; key: string; optional?: boolean };
  database?: { key?: string };
  /** Default: the workflow's. */
  namespace?: string;
}

/** What has to be held before a workflow or a template may run: all of it, or none. */
export interface Synchronization {
  semaphores?: SemaphoreRef[];
  mutexes?: MutexRef[];
}

/** `status.synchronization`: which locks the workflow and its nodes hold and wait for. Holders are `<namespace>/<workflow>[/<node id>]`. */
export interface SynchronizationStatus {
  semaphore?: { holding?: SemaphoreHolding[]; waiting?: SemaphoreHolding[] };
  mutex?: { holding?: MutexHolding[]; waiting?: MutexHolding[] };
}
export interface SemaphoreHolding {
  semaphore: string;
  holders?: string[];
}
export interface MutexHolding {
  mutex: string;
  holder?: string;
}
