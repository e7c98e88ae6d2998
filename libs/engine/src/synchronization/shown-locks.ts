import type { MutexHolding, SemaphoreHolding, SynchronizationStatus } from '#libs/workflow-spec';
import type { LockSign } from '../contract.js';
import type { WorkflowState } from '../state/workflow-state.js';

/** A holder's name as Argo shows it: the workflow itself, or one of its nodes. */
export const holderName = (state: WorkflowState, nodeId: string): string =>
  `${state.namespace}/${state.name}${nodeId === '' ? '' : `/${nodeId}`}`;

type Group = 'holding' | 'waiting';

const withoutEmpty = <T extends object>(value: T): T | undefined => (Object.keys(value).length === 0 ? undefined : value);

const pruned = <T>(groups: { holding?: T[]; waiting?: T[] }): { holding?: T[]; waiting?: T[] } | undefined =>
  withoutEmpty(
    Object.fromEntries(Object.entries(groups).filter(([, list]) => list.length > 0)) as { holding?: T[]; waiting?: T[] },
  );

const change = (state: WorkflowState, mutate: (status: SynchronizationStatus) => SynchronizationStatus): void =>
  state.changeHeader((header) => {
    const { synchronization, ...status } = header.status;
    const { semaphore, mutex } = mutate(synchronization ?? {});
    const [ownSemaphore, ownMutex] = [pruned(semaphore ?? {}), pruned(mutex ?? {})];
    const next = withoutEmpty({
      ...(ownSemaphore === undefined ? {} : { semaphore: ownSemaphore }),
      ...(ownMutex === undefined ? {} : { mutex: ownMutex }),
    });
    header.status = { ...status, ...(next === undefined ? {} : { synchronization: next }) };
  });

const withSemaphore = (
  { semaphore = {}, ...rest }: SynchronizationStatus,
  group: Group,
  edit: (list: SemaphoreHolding[]) => SemaphoreHolding[],
): SynchronizationStatus => ({ ...rest, semaphore: { ...semaphore, [group]: edit(semaphore[group] ?? []) } });

const withMutex = (
  { mutex = {}, ...rest }: SynchronizationStatus,
  group: Group,
  edit: (list: MutexHolding[]) => MutexHolding[],
): SynchronizationStatus => ({ ...rest, mutex: { ...mutex, [group]: edit(mutex[group] ?? []) } });

/** Shows a holder at each of its locks. */
export const showHolding = (state: WorkflowState, holder: string, locks: readonly LockSign[]): void =>
  change(state, (status) =>
    locks.reduce((sum, { kind, shown }) => {
      if (kind === 'mutex') return withMutex(sum, 'holding', (list) => [...list, { mutex: shown, holder }]);
      return withSemaphore(sum, 'holding', (list) => {
        const before = list.find(({ semaphore }) => semaphore === shown)?.holders ?? [];
        return [...list.filter(({ semaphore }) => semaphore !== shown), { semaphore: shown, holders: [...before, holder] }];
      });
    }, status),
  );

/** Shows a holder nowhere any more. */
export const hideHolding = (state: WorkflowState, holder: string): void =>
  change(state, (status) =>
    withMutex(
      withSemaphore(status, 'holding', (list) =>
        list
          .map((entry) => ({ ...entry, holders: (entry.holders ?? []).filter((name) => name !== holder) }))
          .filter(({ holders }) => holders.length > 0),
      ),
      'holding',
      (list) => list.filter((entry) => entry.holder !== holder),
    ),
  );

/** Shows that the workflow, or a node of it, waits for a lock, and who has it now. */
export const showWaiting = (state: WorkflowState, { kind, shown }: LockSign, holders: readonly string[]): void =>
  change(state, (status) =>
    kind === 'mutex'
      ? withMutex(status, 'waiting', (list) => [
          ...list.filter(({ mutex }) => mutex !== shown),
          { mutex: shown, ...(holders[0] === undefined ? {} : { holder: holders[0] }) },
        ])
      : withSemaphore(status, 'waiting', (list) => [
          ...list.filter(({ semaphore }) => semaphore !== shown),
          { semaphore: shown, ...(holders.length === 0 ? {} : { holders: [...holders] }) },
        ]),
  );

/** Nobody of the workflow waits for the lock any more. */
export const hideWaiting = (state: WorkflowState, shown: string): void =>
  change(state, (status) =>
    withMutex(
      withSemaphore(status, 'waiting', (list) => list.filter(({ semaphore }) => semaphore !== shown)),
      'waiting',
      (list) => list.filter(({ mutex }) => mutex !== shown),
    ),
  );

/** The workflow has ended: it holds nothing and waits for nothing. */
export const hideAllLocks = (state: WorkflowState): void => {
  if (state.header.status.synchronization !== undefined) change(state, () => ({}));
};
