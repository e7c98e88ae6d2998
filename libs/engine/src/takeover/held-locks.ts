import type { SynchronizationStatus, Workflow } from '#libs/workflow-spec';

/** Who of a workflow holds locks: nodes by their ids, or the workflow as a whole. */
export interface HeldLocks {
  isWorkflow: boolean;
  nodes: ReadonlySet<string>;
}

const holdersIn = ({ semaphore, mutex }: SynchronizationStatus): string[] => [
  ...(semaphore?.holding ?? []).flatMap(({ holders }) => holders ?? []),
  ...(mutex?.holding ?? []).flatMap(({ holder }) => holder ?? []),
];

/** Holders are written as `namespace/workflow` and `namespace/workflow/node`, by older controllers as the last part alone. */
export const locksHeldBy = ({ metadata, status }: Pick<Workflow, 'metadata' | 'status'>): HeldLocks => {
  const { name = '', namespace = '' } = metadata;
  const nodes = status?.nodes ?? {};
  const own = `${namespace}/${name}`;
  const held = new Set<string>();
  let isWorkflow = false;
  for (const holder of holdersIn(status?.synchronization ?? {})) {
    const id = holder.startsWith(`${own}/`) ? holder.slice(own.length + 1) : holder;
    if (holder === own || holder === name) isWorkflow = true;
    else if (Object.hasOwn(nodes, id)) held.add(id);
  }
  return { isWorkflow, nodes: held };
};

/** What is held, without what is waited for: that is asked for again. */
export const withoutWaiting = (status: SynchronizationStatus | undefined): SynchronizationStatus | undefined => {
  const { semaphore, mutex } = status ?? {};
  const held: SynchronizationStatus = {
    ...((semaphore?.holding ?? []).length === 0 ? {} : { semaphore: { holding: semaphore?.holding ?? [] } }),
    ...((mutex?.holding ?? []).length === 0 ? {} : { mutex: { holding: mutex?.holding ?? [] } }),
  };
  return Object.keys(held).length === 0 ? undefined : held;
};
