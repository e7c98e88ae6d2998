import { FailedPreconditionError, NotSupportedError } from '../errors.js';
import { AnnotationName, API_VERSION, Kind, LabelName } from '../label-names.js';
import type { CronWorkflow, Workflow } from '../model/workflow.js';
import { formatTime } from '../times.js';
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

export interface ResubmitOptions {
  /** `NAME=VALUE` each. */
  parameters?: string[];
  /** Keep the results of nodes that succeeded; not run yet. */
  memoized?: boolean;
}

/**
 * The workflow again under a new name (Argo's FormulateResubmitWorkflow): labels and annotations of people stay, a label names the first run,
 * a shutdown request is forgotten. NotSupportedError for `memoized`, FailedPreconditionError where the workflow has no name.
 */
export const resubmitted = (workflow: Workflow, options: ResubmitOptions = {}): Workflow => {
  if (options.memoized === true) throw new NotSupportedError('resubmit: memoized is not supported yet');
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
  return overrideParameters(again, options.parameters);
};
