import { FailedPreconditionError, InternalApiError, UserError } from '../errors.js';
import { AnnotationName, API_VERSION, Kind, LabelName } from '../label-names.js';
import { WorkflowPhase, type NodeStatus } from '../model/status.js';
import type { CronWorkflow, Workflow } from '../model/workflow.js';
import { formatTime } from '../times.js';
import { memoizedNodes, retainedNodes, type ReusedNodes } from './reused-nodes.js';
import { overrideParameters } from './submit-options.js';

/** A workflow that runs a whole WorkflowTemplate or ClusterWorkflowTemplate: a reference, a label, and `<name>-` to generate its name from. */
export const workflowFromTemplate = (templateName: string, clusterScope: boolean): Workflow => ({
  apiVersion: API_VERSION,
  kind: Kind.Workflow,
  metadata: {
    generateName: `${templateName}-`,
    labels: { [clusterScope ? LabelName.clusterWorkflowTemplate : LabelName.workflowTemplate]: templateName },
  },
  spec: { workflowTemplateRef: { name: templateName, ...(clusterScope ? { clusterScope } : {}) } },
});

/** A run of a CronWorkflow by hand: its workflowSpec and workflowMetadata, owned by it (Argo's ConvertCronWorkflowToWorkflow). */
export const workflowFromCron = (cron: CronWorkflow, scheduledTimeMs: number): Workflow => {
  const { name = '', namespace, uid = '', labels } = cron.metadata;
  const extra = cron.spec.workflowMetadata ?? {};
  const instanceId = labels?.[LabelName.controllerInstanceId];
  const owner = { apiVersion: API_VERSION, kind: Kind.CronWorkflow, name, uid, controller: true, blockOwnerDeletion: true };
  return {
    apiVersion: API_VERSION,
    kind: Kind.Workflow,
    metadata: {
      generateName: `${name}-`,
      ...(namespace === undefined ? {} : { namespace }),
      labels: {
        ...extra.labels,
        [LabelName.cronWorkflow]: name,
        ...(instanceId === undefined ? {} : { [LabelName.controllerInstanceId]: instanceId }),
      },
      annotations: { ...extra.annotations, [AnnotationName.scheduledTime]: formatTime(scheduledTimeMs) },
      ...(extra.finalizers === undefined ? {} : { finalizers: extra.finalizers }),
      ownerReferences: [owner],
    },
    spec: cron.spec.workflowSpec,
  };
};

/** What tells of the first run and not of the workflow. */
const RUN_LABELS: ReadonlySet<string> = new Set([
  LabelName.creator,
  LabelName.creatorEmail,
  LabelName.creatorPreferredUsername,
  LabelName.phase,
  LabelName.completed,
  LabelName.archivingStatus,
]);

/** A workflow to submit, and what of an earlier run need not run again. */
export interface NewRun {
  workflow: Workflow;
  reuse: ReusedNodes;
}

export interface ResubmitOptions {
  /** `NAME=VALUE` each. */
  parameters?: string[];
  /** Instead of the first run's. */
  priority?: number;
  /** Pods that succeeded do not run again; only for a workflow that has failed. */
  memoized?: boolean;
}

/**
 * The workflow again under a new name (Argo's FormulateResubmitWorkflow): labels and annotations of people stay, a label names the first run,
 * a shutdown request is forgotten. InternalApiError for `memoized` where it has not failed, FailedPreconditionError where it has no name.
 */
export const resubmitted = (workflow: Workflow, options: ResubmitOptions = {}): NewRun => {
  const { name, generateName, namespace, labels = {}, annotations, ownerReferences } = workflow.metadata;
  if (name === undefined) throw new FailedPreconditionError('only a workflow that has been submitted can be resubmitted');
  const { shutdown: _shutdown, activeDeadlineSeconds, ...spec } = workflow.spec;
  const kept = Object.entries(labels).filter(([key]) => !RUN_LABELS.has(key));
  const again: Workflow = {
    apiVersion: API_VERSION,
    kind: Kind.Workflow,
    metadata: {
      generateName: generateName === undefined || generateName === '' ? `${name}-` : generateName,
      ...(namespace === undefined ? {} : { namespace }),
      labels: { ...Object.fromEntries(kept), [LabelName.resubmittedFromWorkflow]: name },
      ...(annotations === undefined ? {} : { annotations }),
      ...(ownerReferences === undefined ? {} : { ownerReferences }),
    },
    // A deadline of zero is how older clients asked a workflow to end.
    spec: activeDeadlineSeconds === undefined || activeDeadlineSeconds === 0 ? spec : { ...spec, activeDeadlineSeconds },
  };
  const { priority } = options;
  const prioritised = priority === undefined ? again : { ...again, spec: { ...again.spec, priority } };
  return {
    workflow: overrideParameters(prioritised, options.parameters),
    reuse: options.memoized === true ? memoizedNodesOfFailed(workflow) : {},
  };
};

const hasFailed = ({ status }: Workflow): boolean =>
  status?.phase === WorkflowPhase.Failed || status?.phase === WorkflowPhase.Error;

const memoizedNodesOfFailed = (workflow: Workflow): ReusedNodes => {
  if (!hasFailed(workflow)) throw new InternalApiError('workflow must be Failed/Error to resubmit in memoized mode');
  return memoizedNodes(workflow);
};

export interface RetryOptions {
  /** `NAME=VALUE` each. */
  parameters?: string[];
  /** Nodes that succeeded and run again nevertheless; none where absent. */
  restart?: (node: NodeStatus) => boolean;
}

/** Labels of a run that a retry begins anew. */
const ENDED_LABELS: ReadonlySet<string> = new Set([LabelName.completed, LabelName.archivingStatus, LabelName.phase]);

const assertRetryable = (workflow: Workflow, options: RetryOptions): void => {
  if (hasFailed(workflow)) return;
  const { phase = '' } = workflow.status ?? {};
  if (phase !== WorkflowPhase.Succeeded) throw new UserError(`Cannot retry a workflow in phase ${phase}`);
  if (options.restart === undefined)
    throw new UserError('To retry a succeeded workflow, set the options restartSuccessful and nodeFieldSelector');
};

const withoutAbsent = <T extends object>(fields: T): T =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;

/**
 * A finished workflow that only the archive holds, to be run under its own name again (Argo's retry of an archived workflow): what succeeded
 * stays, the rest runs. UserError where Argo refuses.
 */
export const retriedFromArchive = (workflow: Workflow, options: RetryOptions = {}): NewRun => {
  assertRetryable(workflow, options);
  const { name, namespace, labels = {}, annotations, ownerReferences } = workflow.metadata;
  const { shutdown: _shutdown, suspend: _suspend, ...spec } = workflow.spec;
  const kept = Object.fromEntries(Object.entries(labels).filter(([key]) => !ENDED_LABELS.has(key)));
  const metadata = withoutAbsent({ name, namespace, labels: kept, annotations, ownerReferences }) as Workflow['metadata'];
  const again: Workflow = { apiVersion: API_VERSION, kind: Kind.Workflow, metadata, spec };
  return {
    workflow: overrideParameters(again, options.parameters),
    reuse: retainedNodes(workflow, options.restart ?? (() => false)),
  };
};
