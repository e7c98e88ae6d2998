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

/** A lock that somebody else has granted; `holder`: the id of a node, '' for the workflow as a whole. */
export interface HeldLock {
  name: string;
  holder: string;
}

/** Locks of a database are shown under another name than they are kept. */
const databaseLock = /^([^/]+)\/Database\/(.+)$/;
const nameOf = (shown: string, kind: 'sem' | 'mtx'): string => shown.replace(databaseLock, `${kind}/$1/$2`);

/** What the workflow and its nodes hold, by the names under which everybody asks for locks. */
export const heldLocks = (workflow: Pick<Workflow, 'metadata' | 'status'>): HeldLock[] => {
  const { semaphore, mutex } = workflow.status?.synchronization ?? {};
  const of = (name: string, holding: SynchronizationStatus): HeldLock[] => {
    const { isWorkflow, nodes } = locksHeldBy({ ...workflow, status: { ...workflow.status, synchronization: holding } });
    return [...(isWorkflow ? [''] : []), ...nodes].map((holder) => ({ name, holder }));
  };
  return [
    ...(semaphore?.holding ?? []).flatMap((each) => of(nameOf(each.semaphore ?? '', 'sem'), { semaphore: { holding: [each] } })),
    ...(mutex?.holding ?? []).flatMap((each) => of(nameOf(each.mutex ?? '', 'mtx'), { mutex: { holding: [each] } })),
  ];
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
