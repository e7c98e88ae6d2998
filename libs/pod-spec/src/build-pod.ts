import { AnnotationName, type KubernetesObject, LabelName, type Template } from '#libs/workflow-spec';

import type { BuildPodInput, PodManifest, PodWork } from './contract.js';
import { identityLabels } from './identity.js';
import { MAIN_CONTAINER, mainContainer } from './main-container.js';
import { taskOrderOf } from './task-order.js';

/** Image of our executor where a pod needs staging or capture inside a cluster; the kubernetes runtime resolves it. */
const EXECUTOR_IMAGE = 'argosy';
const DEFAULT_GRACE_SECONDS = 30;

/** Fields of a template that go to the pod's spec as they are. */
const POD_FIELDS = [
  'nodeSelector',
  'affinity',
  'tolerations',
  'schedulerName',
  'priorityClassName',
  'securityContext',
  'serviceAccountName',
  'automountServiceAccountToken',
  'hostAliases',
  'volumes',
] as const;

/**
 * The pod of one node, as Argo's controller would make it (createWorkflowPod, v4.1): labels, annotations, container names and
 * environment are Argo's, our identity stands beside them. A pod that needs nothing staged or captured has `main` alone.
 * Throws UserError where the template is neither a container nor a script.
 */
export function buildPod(input: BuildPodInput): PodManifest {
  const { order, workflow } = input;
  const work = podWork(input);
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: order.podName,
      namespace: workflow.namespace,
      labels: podLabels(input),
      annotations: {
        ...order.template.metadata?.annotations,
        ...order.annotations,
        [AnnotationName.nodeId]: order.nodeId,
        [AnnotationName.nodeName]: order.nodeName,
        [AnnotationName.defaultContainer]: MAIN_CONTAINER,
      },
      ownerReferences: [
        {
          apiVersion: 'argoproj.io/v1alpha1',
          kind: 'Workflow',
          name: workflow.name,
          uid: workflow.uid,
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
    },
    spec: work.task === undefined ? podSpec(input, work) : { containers: [], restartPolicy: 'Never' },
    work,
  };
}

function podLabels({ order, workflow, instanceId }: BuildPodInput): Record<string, string> {
  return {
    ...order.template.metadata?.labels,
    ...order.labels,
    [LabelName.workflow]: workflow.name,
    [LabelName.completed]: 'false',
    ...(order.onExit ? { [LabelName.onExit]: 'true' } : {}),
    ...(instanceId === undefined ? {} : { [LabelName.controllerInstanceId]: instanceId }),
    ...identityLabels({ workflowUid: workflow.uid, nodeId: order.nodeId, incarnation: order.incarnation }),
  };
}

function podSpec(input: BuildPodInput, work: PodWork): KubernetesObject {
  const stages = work.scriptSource !== undefined || work.inputArtifacts.length > 0;
  const captures = work.captureResult || work.archiveLogs || work.outputParameters.length > 0 || work.outputArtifacts.length > 0;
  const { template } = input.order;
  const activeDeadlineSeconds = secondsOf(template.activeDeadlineSeconds);
  return {
    ...(stages ? { initContainers: [executorContainer('init')] } : {}),
    containers: [...(captures ? [executorContainer('wait')] : []), mainContainer(input)],
    restartPolicy: 'Never',
    ...(activeDeadlineSeconds === undefined ? {} : { activeDeadlineSeconds }),
    ...podFields(template),
  };
}

function executorContainer(name: 'init' | 'wait'): KubernetesObject {
  return { name, image: EXECUTOR_IMAGE, command: ['argosy-executor', name] };
}

function podFields(template: Template): KubernetesObject {
  const fields: KubernetesObject = {};
  for (const name of POD_FIELDS) {
    const value = template[name];
    if (value !== undefined) fields[name] = value as KubernetesObject;
  }
  return fields;
}

function secondsOf(value: number | string | undefined): number | undefined {
  if (value === undefined || value === '') return undefined;
  const seconds = Number(value);
  return Number.isFinite(seconds) ? seconds : undefined;
}

function podWork(input: BuildPodInput): PodWork {
  const { order, workflow, repository, archiveLogs } = input;
  const task = taskOrderOf(input);
  const { template } = order;
  const outputs = template.outputs ?? {};
  return {
    workflowName: workflow.name,
    workflowNamespace: workflow.namespace,
    workflowUid: workflow.uid,
    nodeId: order.nodeId,
    ...(task === undefined ? {} : { task }),
    ...(template.script === undefined ? {} : { scriptSource: template.script.source }),
    inputArtifacts: template.inputs?.artifacts ?? [],
    outputParameters: outputs.parameters ?? [],
    outputArtifacts: outputs.artifacts ?? [],
    captureResult: order.captureResult,
    archiveLogs: template.archiveLocation?.archiveLogs ?? archiveLogs,
    ...(order.archiveKey === undefined ? {} : { archiveKey: order.archiveKey }),
    ...(repository === undefined ? {} : { repository }),
    ...(order.deadlineMs === undefined ? {} : { deadlineMs: order.deadlineMs }),
    terminationGracePeriodSeconds: DEFAULT_GRACE_SECONDS,
  };
}
