import {
  isCompletedPhase,
  isFinishedWorkflowPhase,
  isFulfilled,
  isStateAnnotation,
  isStateLabel,
  LabelName,
  NodePhase,
  NodeType,
  parseTime,
  WorkflowPhase,
  type JsonValue,
  type NodeStatus,
  type Workflow,
  type WorkflowStatus,
} from '#libs/workflow-spec';
import { ENGINE_LEVEL, type EngineConfig, type NodeRow, type SubmittedWorkflow, type WorkflowHeader } from '../contract.js';
import { asJson, copyOf } from '../pass.js';
import { hasOwnProgress } from '../state/counters.js';
import type { NodeMemory } from '../state/node-memory.js';
import { creationOrder } from './creation-order.js';
import { heldLocks, type HeldLock, locksHeldBy, withoutWaiting } from './held-locks.js';
import { nodeRelations, type NodeRelation } from './node-relations.js';

/** A Workflow object with its status, nodes included. */
export interface ImportedObject {
  workflow: Pick<Workflow, 'metadata' | 'spec' | 'status'>;
  /** The status was written by this engine and not by Argo's controller. */
  isOwn: boolean;
}

/** What the rows of a workflow would be. */
export interface ImportedWorkflow {
  submitted: SubmittedWorkflow;
  header: WorkflowHeader;
  nodes: NodeRow[];
  /** What it holds from its first row on: others may ask for it before this workflow is decided upon. */
  locks: HeldLock[];
}

/** What a run adds to its object; as it was submitted it had none of it. */
const split = (texts: Readonly<Record<string, string>> = {}, isAdded: (name: string) => boolean) => ({
  own: Object.fromEntries(Object.entries(texts).filter(([name]) => !isAdded(name))),
  added: Object.fromEntries(Object.entries(texts).filter(([name]) => isAdded(name))),
});

const timeOf = (text: string | null | undefined): number | undefined =>
  typeof text === 'string' && text !== '' ? parseTime(text) : undefined;

/** Ended, and its outputs are still to come: here it is a pod that has not been looked at yet. */
const isUnsynced = ({ phase, taskResultSynced }: NodeStatus): boolean => taskResultSynced === false && isCompletedPhase(phase);

const statusOf = ({ children: _children, ...node }: NodeStatus): NodeRow['status'] => {
  const status = copyOf(node);
  if (!hasOwnProgress(status.type)) delete status.progress;
  if (isUnsynced(node)) Object.assign(status, { phase: NodePhase.Running, finishedAt: null });
  if (status.taskResultSynced === false) status.taskResultSynced = true;
  status.finishedAt ??= null;
  delete status.synchronizationStatus;
  return status;
};

const isGroup = ({ type }: NodeStatus): boolean => type === NodeType.StepGroup || type === NodeType.TaskGroup;

/** A hook that found no slot in the pass in which its group was made: only the message says so. */
const NO_SLOT = 'Max parallelism reached';

type Memory = Partial<NodeMemory>;

const timesOf = (node: NodeStatus, isOpen: boolean): Memory => {
  const startedAtMs = timeOf(node.startedAt);
  const finishedAtMs = isOpen ? undefined : timeOf(node.finishedAt);
  return {
    ...(startedAtMs === undefined ? {} : { startedAtMs }),
    ...(finishedAtMs === undefined ? {} : { finishedAtMs }),
  };
};

const groupMemory = (node: NodeStatus, isOpen: boolean): Memory => {
  if (!isGroup(node)) return {};
  if (node.type === NodeType.TaskGroup) return { cursor: 0 };
  return { cursor: 0, hooksLooked: true, ...(isOpen && node.message === NO_SLOT ? { hooksEnd: 'given up' } : {}) };
};

/** Who waits for locks asks for them again; who holds them goes on. */
const lockMemory = ({ synchronizationStatus }: NodeStatus, holds: boolean): Memory => {
  if ((synchronizationStatus?.waiting ?? '') !== '') return { lock: 'due' };
  return holds ? { lock: 'held', lockEntered: true, lockAttempt: 1 } : {};
};

const memoryOf = (node: NodeStatus, relation: NodeRelation, holds: boolean): NodeMemory => {
  const isOpen = !isFulfilled(node) || isUnsynced(node);
  return {
    ...relation,
    ...timesOf(node, isOpen),
    ...groupMemory(node, isOpen),
    ...(isOpen ? lockMemory(node, holds) : {}),
    ...(!isOpen && node.memoizationStatus !== undefined ? { memoSaved: true } : {}),
    measured: isOpen ? 'begun' : 'ended',
  };
};

const rowsOf = (workflow: ImportedObject['workflow']): NodeRow[] => {
  const { name = '' } = workflow.metadata;
  const nodes = workflow.status?.nodes ?? {};
  const relations = nodeRelations(name, nodes);
  const parents = new Map<string, string[]>();
  const order = creationOrder(nodes, (id) => relations.get(id)?.owner ?? '');
  for (const id of order) {
    for (const child of nodes[id]?.children ?? []) {
      if (Object.hasOwn(nodes, child)) parents.set(child, [...(parents.get(child) ?? []), id]);
    }
  }
  const holding = locksHeldBy(workflow);
  return order.flatMap((id, ordinal): NodeRow[] => {
    const [node, relation] = [nodes[id], relations.get(id)];
    if (node === undefined || relation === undefined) return [];
    const memory = memoryOf(node, relation, holding.nodes.has(id));
    const internal = asJson(memory) as NonNullable<NodeRow['internal']>;
    return [{ id, ordinal, parents: [...new Set(parents.get(id))], status: statusOf(node), internal }];
  });
};

/** Volumes of claims that were made for the workflow, by the names of their templates. */
const claimsOf = ({ metadata, spec, status }: ImportedObject['workflow']): { [name: string]: JsonValue } | undefined => {
  const written = (spec.volumeClaimTemplates ?? []) as { metadata?: { name?: string } }[];
  const made = (status?.persistentVolumeClaims ?? []) as { name?: string }[];
  if (written.length === 0 || made.length === 0) return undefined;
  const names = written.flatMap(({ metadata: own }) => own?.name ?? []);
  return Object.fromEntries(
    names.map((name) => [name, { claimName: `${metadata.name ?? ''}-${name}`, incarnation: 1, isMade: true }]),
  );
};

const FINAL_PHASE: Partial<Record<string, WorkflowPhase>> = {
  [NodePhase.Succeeded]: WorkflowPhase.Succeeded,
  [NodePhase.Skipped]: WorkflowPhase.Succeeded,
  [NodePhase.Omitted]: WorkflowPhase.Succeeded,
  [NodePhase.Failed]: WorkflowPhase.Failed,
  [NodePhase.Error]: WorkflowPhase.Error,
};

const publicStatusOf = (status: WorkflowStatus): WorkflowHeader['status'] => {
  const { nodes: _nodes, compressedNodes: _compressed, offloadNodeStatusVersion: _version, ...header } = copyOf(status);
  const { synchronization, ...rest } = header;
  const held = withoutWaiting(synchronization);
  return held === undefined ? rest : { ...rest, synchronization: held };
};

const workflowTimes = ({ spec, status = {} }: ImportedObject['workflow']): WorkflowHeader['internal'] => {
  const startedAtMs = timeOf(status.startedAt);
  if (startedAtMs === undefined) return {};
  const seconds = (status.storedWorkflowTemplateSpec ?? spec).activeDeadlineSeconds;
  return { startedAtMs, ...(typeof seconds === 'number' ? { deadlineMs: startedAtMs + seconds * 1000 } : {}) };
};

const finalPhaseOf = ({ metadata, status }: ImportedObject['workflow']): WorkflowHeader['internal'] => {
  const root = status?.nodes?.[metadata.name ?? ''];
  const finalPhase = root === undefined || !isFulfilled(root) ? undefined : FINAL_PHASE[root.phase ?? ''];
  return finalPhase === undefined ? {} : { finalPhase };
};

/** One that is to be run again, without what has succeeded, has nodes and is not there yet (`retry`, `resubmit --memoized`). */
const hasBegun = ({ status }: ImportedObject['workflow']): boolean => {
  const hasPhase = (status?.phase ?? '') !== '' && status?.phase !== WorkflowPhase.Pending;
  return hasPhase || Object.keys(status?.nodes ?? {}).length > 0;
};

const memoryOfWorkflow = (
  { workflow, isOwn }: ImportedObject,
  { workflowDefaults }: EngineConfig,
): WorkflowHeader['internal'] => {
  const claims = claimsOf(workflow);
  const isFinished = isFinishedWorkflowPhase(workflow.status?.phase);
  return {
    ...workflowTimes(workflow),
    ...finalPhaseOf(workflow),
    ...(claims === undefined ? {} : { claims }),
    ...(locksHeldBy(workflow).isWorkflow ? { lock: { stage: 'held', attempt: 1 } } : {}),
    // Argo stores a spec with its defaults in it; ours stand beside the object's.
    ...(isOwn && workflowDefaults !== undefined ? { defaults: asJson(workflowDefaults.spec) } : {}),
    measured: isFinished ? 'ended' : 'begun',
    ...(hasBegun(workflow) && !isFinished ? { imported: true } : {}),
  };
};

/**
 * The rows of a workflow from its object alone: one that Argo's controller has begun, or one of ours whose rows are lost or older than the
 * object. What it is doing goes on (see `resumeImported`), nothing that has run is run again. Throws UnreadableStatusError where the nodes
 * make no tree of Argo's names.
 *
 * A status does not hold, and so is guessed or forgotten: the number of a pod among the pods of its node (the pod that is there is taken,
 * whatever its number), whether an exit handler's expression was false (asked again), which hooks found no slot (asked again), whether a
 * loop of an empty text is shown as its group, fractions of seconds, and the controller's workflowDefaults of then.
 */
export const importWorkflow = (config: EngineConfig, object: ImportedObject): ImportedWorkflow => {
  const { metadata, spec, status = {} } = object.workflow;
  const labels = split(metadata.labels, isStateLabel);
  const annotations = split(metadata.annotations, isStateAnnotation);
  const { [LabelName.archivingStatus]: _archiving, ...stateLabels } = labels.added;
  return {
    submitted: { metadata: { ...metadata, labels: labels.own, annotations: annotations.own }, spec },
    header: {
      engineLevel: ENGINE_LEVEL,
      status: publicStatusOf(status),
      labels: stateLabels,
      annotations: annotations.added,
      internal: memoryOfWorkflow(object, config),
    },
    nodes: rowsOf(object.workflow),
    locks: isFinishedWorkflowPhase(status.phase) ? [] : heldLocks(object.workflow),
  };
};
