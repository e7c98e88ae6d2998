import type { ApiObject } from '#libs/kubernetes';
import type { JsonValue, Workflow } from '#libs/workflow-spec';
import type { WorkflowControls, WorkflowObject } from './contract.js';
import { isWrittenByOthers } from './status-writers.js';

/** Annotations of ours on workflow objects. */
export const ObjectMark = {
  /** The version of our rows that the status shows. */
  record: 'argosy.dev/record-version',
  /** The controls that our rows know of: where the spec says otherwise, a person has changed it since. */
  controls: 'argosy.dev/controls',
  /** The resourceVersion that a projection was written over. */
  writtenOver: 'argosy.dev/written-over',
  /** Which installation has written it. */
  installation: 'argosy.dev/installation',
} as const;

/** What a spec says about running at all. */
export const controlsOf = (spec: { suspend?: unknown; shutdown?: unknown } | undefined): WorkflowControls => ({
  suspend: spec?.suspend === true,
  shutdown: typeof spec?.shutdown === 'string' ? spec.shutdown : '',
});

/** Controls as one word for the annotation, such as `running`, `suspended`, `Stop`. */
export const controlsText = ({ suspend, shutdown }: WorkflowControls): string =>
  [...(suspend ? ['suspended'] : []), ...(shutdown === '' ? [] : [shutdown])].join(',') || 'running';

/** The controls that `controlsText` wrote. */
export const controlsFromText = (text: string): WorkflowControls => {
  const words = text.split(',');
  return {
    suspend: words.includes('suspended'),
    shutdown: words.find((word) => word !== 'suspended' && word !== 'running') ?? '',
  };
};

/** What we read out of an object of the API server. */
export const workflowObjectOf = (object: ApiObject): WorkflowObject => {
  const { managedFields: _managed, resourceVersion = '', ...metadata } = object.metadata;
  const { annotations = {} } = metadata;
  const record = Number(annotations[ObjectMark.record] ?? NaN);
  const controls = annotations[ObjectMark.controls];
  const { spec = {}, status } = object as ApiObject & { spec?: JsonValue; status?: Workflow['status'] };
  const hasStatus = showsState(status);
  const isMarked = Number.isSafeInteger(record);
  return {
    workflow: { ...object, metadata, spec } as unknown as Workflow,
    key: { namespace: metadata.namespace ?? '', name: metadata.name, uid: metadata.uid ?? '' },
    controls: controlsOf(spec as { suspend?: unknown; shutdown?: unknown }),
    knownControls: controls === undefined ? undefined : controlsFromText(controls),
    recordVersion: isMarked && hasStatus ? record : undefined,
    resourceVersion,
    generation: typeof metadata['generation'] === 'number' ? metadata['generation'] : undefined,
    writtenOver: annotations[ObjectMark.writtenOver],
    installation: annotations[ObjectMark.installation],
    isDeleting: metadata.deletionTimestamp !== undefined && metadata.deletionTimestamp !== null,
    hasStatus,
    isStatusEdited: isMarked && (!hasStatus || isWrittenByOthers(object)),
  };
};

/** Whether a status says anything of a run. */
export const showsState = (status: Workflow['status']): boolean =>
  Boolean(status?.phase || status?.compressedNodes || status?.offloadNodeStatusVersion) ||
  Object.keys(status?.nodes ?? {}).length > 0;

/** Whether the object says that the workflow, or a node of it, holds a lock. */
export const holdsLocks = ({ status }: Pick<Workflow, 'status'>): boolean => {
  const { semaphore, mutex } = status?.synchronization ?? {};
  return (semaphore?.holding?.length ?? 0) + (mutex?.holding?.length ?? 0) > 0;
};
