import {
  AnnotationName,
  API_VERSION,
  FailedPreconditionError,
  formatTime,
  isFailedOrErrorPhase,
  Kind,
  LabelName,
  type CronWorkflow,
  type Workflow,
} from '#libs/workflow-spec';
import { overrideParameters } from './submit-options.js';

/** A workflow that refers to a template, as Argo makes it at `submit`. */
export function workflowFromTemplate(templateName: string, clusterScope: boolean): Workflow {
  const label = clusterScope ? LabelName.clusterWorkflowTemplate : LabelName.workflowTemplate;
  return {
    apiVersion: API_VERSION,
    kind: Kind.Workflow,
    metadata: { generateName: `${templateName}-`, labels: { [label]: templateName } },
    spec: { workflowTemplateRef: { name: templateName, ...(clusterScope ? { clusterScope: true } : {}) } },
  };
}

interface WorkflowMetadata {
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
}

/** A run of a CronWorkflow out of turn; it belongs to the CronWorkflow. */
export function workflowFromCron(cron: CronWorkflow, nowMs: number): Workflow {
  const name = cron.metadata.name ?? '';
  const metadata = cron.spec['workflowMetadata'] as WorkflowMetadata | undefined;
  return {
    apiVersion: API_VERSION,
    kind: Kind.Workflow,
    metadata: {
      generateName: `${name}-`,
      labels: { [LabelName.cronWorkflow]: name, ...metadata?.labels },
      annotations: { [AnnotationName.scheduledTime]: formatTime(nowMs), ...metadata?.annotations },
      ownerReferences: [
        {
          apiVersion: API_VERSION,
          kind: Kind.CronWorkflow,
          name,
          uid: cron.metadata.uid ?? '',
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
    },
    spec: cron.spec.workflowSpec,
  };
}

/** Labels that say what became of the first run, or who started it. */
const NOT_CARRIED: ReadonlySet<string> = new Set([
  LabelName.creator,
  LabelName.creatorEmail,
  LabelName.creatorPreferredUsername,
  LabelName.phase,
  LabelName.completed,
  LabelName.archivingStatus,
]);

/** The same work once more as a new workflow (Argo's resubmit); `parameters` as `name=value`. */
export function resubmitted(original: Workflow, options: { memoized: boolean; parameters: readonly string[] }): Workflow {
  const name = original.metadata.name ?? '';
  if (options.memoized) {
    if (!isFailedOrErrorPhase(original.status?.phase ?? '')) {
      throw new FailedPreconditionError('workflow must be Failed/Error to resubmit in memoized mode');
    }
    throw new FailedPreconditionError('resubmit in memoized mode is not supported yet');
  }
  const labels = Object.entries(original.metadata.labels ?? {}).filter(([key]) => !NOT_CARRIED.has(key));
  const { annotations, ownerReferences, namespace } = original.metadata;
  const { suspend: _suspend, shutdown: _shutdown, ...spec } = original.spec;
  return {
    apiVersion: API_VERSION,
    kind: Kind.Workflow,
    metadata: {
      generateName: original.metadata.generateName ?? `${name}-`,
      ...(namespace === undefined ? {} : { namespace }),
      labels: { ...Object.fromEntries(labels), [LabelName.resubmittedFromWorkflow]: name },
      ...(annotations === undefined ? {} : { annotations }),
      ...(ownerReferences === undefined ? {} : { ownerReferences }),
    },
    spec:
      options.parameters.length === 0
        ? spec
        : {
            ...spec,
            arguments: {
              ...spec.arguments,
              parameters: overrideParameters(spec.arguments?.parameters ?? [], options.parameters),
            },
          },
  };
}
