import type { MutexRef, SemaphoreRef, Synchronization } from '#libs/workflow-spec';
import { factId, type FactKey, type WantedLock } from '../contract.js';
import { ExecutionError } from '../errors.js';
import type { Pass } from '../pass.js';
import { MissingFact } from '../templates/inputs.js';

const MOST_DIGITS = 15;
const FAILED = 'Failed to acquire the synchronization lock.';

const failure = (what: string): ExecutionError => new ExecutionError(`${FAILED} ${what}`);

const limitOf = (pass: Pass, key: FactKey, shown: string, where: string): number => {
  const fact = pass.input.facts.get(factId(key));
  if (fact === undefined) {
    pass.missing.set(factId(key), key);
    throw new MissingFact();
  }
  if (fact?.kind !== 'text') throw failure(`semaphore ${shown}: ${where} not found`);
  const text = fact.value.trim();
  if (!/^\+?\d+$/.test(text) || text.length > MOST_DIGITS)
    throw failure(`semaphore ${shown}: ${where} is no number: "${fact.value}"`);
  return Number(text);
};

const mutexLock = (namespace: string, { name = '', database }: MutexRef): WantedLock => {
  if (name === '') throw failure('a mutex needs a name');
  return database === true
    ? { name: `mtx/${namespace}/${name}`, shown: `${namespace}/Database/${name}`, kind: 'mutex', limit: 1 }
    : { name: `${namespace}/Mutex/${name}`, shown: `${namespace}/Mutex/${name}`, kind: 'mutex', limit: 1 };
};

const semaphoreLock = (pass: Pass, namespace: string, { configMapKeyRef, database }: SemaphoreRef): WantedLock => {
  if (configMapKeyRef !== undefined && database !== undefined)
    throw failure('a semaphore has either a configMapKeyRef or a database');
  if (database !== undefined) {
    const { key = '' } = database;
    const source = { kind: 'syncLimit', namespace, key } as const;
    const shown = `${namespace}/Database/${key}`;
    return {
      name: `sem/${namespace}/${key}`,
      shown,
      kind: 'semaphore',
      limit: limitOf(pass, source, shown, `limit ${namespace}/${key}`),
      source,
    };
  }
  if (configMapKeyRef === undefined) throw failure('a semaphore needs a configMapKeyRef or a database');
  const { name = '', key } = configMapKeyRef;
  const source = { kind: 'configMapKey', namespace, name, key } as const;
  const shown = `${namespace}/ConfigMap/${name}/${key}`;
  return {
    name: shown,
    shown,
    kind: 'semaphore',
    limit: limitOf(pass, source, shown, `key ${key} of ConfigMap ${name}`),
    source,
  };
};

const orOwn = (namespace: string | undefined, own: string): string =>
  namespace === undefined || namespace === '' ? own : namespace;

/**
 * The locks that `synchronization` names, each once, with their present limits. Throws ExecutionError for a limit that does not exist or is
 * no number, and MissingFact where one has to be read first.
 */
export const wantedLocks = (pass: Pass, { semaphores, mutexes }: Synchronization): WantedLock[] => {
  const own = pass.state.namespace;
  const locks = [
    ...(semaphores ?? []).map((semaphore) => semaphoreLock(pass, orOwn(semaphore.namespace, own), semaphore)),
    ...(mutexes ?? []).map((mutex) => mutexLock(orOwn(mutex.namespace, own), mutex)),
  ];
  return [...new Map(locks.map((lock) => [lock.name, lock])).values()];
};

/** Whether it names any lock at all. */
export const hasLocks = (synchronization: Synchronization | undefined): synchronization is Synchronization =>
  (synchronization?.semaphores?.length ?? 0) + (synchronization?.mutexes?.length ?? 0) > 0;
