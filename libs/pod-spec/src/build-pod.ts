import { AnnotationName, type KubernetesObject, LabelName } from '#libs/workflow-spec';

import type { BuildPodInput, PodManifest, PodWork } from './contract.js';
import { identityLabels } from './identity.js';
import { MAIN_CONTAINER, mainContainersOf, otherContainers, podContainer } from './pod-containers.js';
import { assertFilledIn } from './filled-patch.js';
import { podFields } from './pod-fields.js';
import { referencedVolumes } from './pod-volumes.js';
import { podWork } from './pod-work.js';
import { tellsProgress } from './progress.js';
import { strategicMergePatch } from './strategic-merge/strategic-merge-patch.js';

/** Image of our executor where a pod needs staging or capture inside a cluster; the kubernetes runtime resolves it. */
const EXECUTOR_IMAGE = 'argosy';
type ExecutorName = 'init' | 'wait';

/**
 * The pod of one node, as Argo's controller would make it (createWorkflowPod, v4.1): labels, annotations, container names, volumes and
 * environment are Argo's, our identity stands beside them. Executor containers without work are left out.
 * Throws UserError where the template is no pod, a mount has no volume or a `podSpecPatch` cannot be applied.
 */
export function buildPod(input: BuildPodInput): PodManifest {
  const { order, workflow } = input;
  const work = podWork(input);
  const needed = executorsNeeded(input, work);
  const spec = work.task === undefined ? podSpec(input, needed) : { containers: [], restartPolicy: 'Never' };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: order.podName,
      namespace: workflow.namespace,
      labels: podLabels(input),
      annotations: podAnnotations(input, work),
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
    spec,
    work: { ...work, ...(needed.length === 0 ? {} : { executorContainers: needed }) },
  };
}

function podLabels({ order, workflow, instanceId }: BuildPodInput): Record<string, string> {
  return {
    ...order.podFields?.podMetadata?.labels,
    ...order.template.metadata?.labels,
    ...order.labels,
    [LabelName.workflow]: workflow.name,
    [LabelName.completed]: 'false',
    ...(order.onExit ? { [LabelName.onExit]: 'true' } : {}),
    ...(instanceId === undefined ? {} : { [LabelName.controllerInstanceId]: instanceId }),
    ...identityLabels({ workflowUid: workflow.uid, nodeId: order.nodeId, incarnation: order.incarnation }),
  };
}

function podAnnotations({ order }: BuildPodInput, { mainContainers = [] }: PodWork): Record<string, string> {
  const isMainThere = mainContainers.length === 0 || mainContainers.includes(MAIN_CONTAINER);
  return {
    ...order.podFields?.podMetadata?.annotations,
    ...order.template.metadata?.annotations,
    ...order.annotations,
    [AnnotationName.nodeId]: order.nodeId,
    [AnnotationName.nodeName]: order.nodeName,
    [AnnotationName.defaultContainer]: isMainThere ? MAIN_CONTAINER : (mainContainers.at(-1) ?? MAIN_CONTAINER),
  };
}

/** The executor's containers are there while patches are applied, as people patch them; then those without work go. */
function podSpec(input: BuildPodInput, needed: readonly ExecutorName[]): KubernetesObject {
  const { template, podFields: general } = input.order;
  const main = mainContainersOf(template);
  const sidecars = otherContainers(template, 'sidecars');
  const before = otherContainers(template, 'initContainers');
  const volumes = referencedVolumes(input, [...main, ...sidecars, ...before]);
  const whole: KubernetesObject = {
    initContainers: [executorContainer('init'), ...before.map((container) => podContainer(input, container))],
    containers: [executorContainer('wait'), ...[...main, ...sidecars].map((container) => podContainer(input, container))],
    ...(volumes.length === 0 ? {} : { volumes }),
    restartPolicy: 'Never',
    ...podFields(input),
  };
  const { writtenPatches: written } = input.order;
  if (written !== undefined) {
    assertFilledIn(written.workflow, general?.podSpecPatch);
    assertFilledIn(written.template, template.podSpecPatch);
  }
  const patches = [general?.podSpecPatch, template.podSpecPatch].filter((patch) => patch !== undefined && patch !== '');
  return lean(
    patches.reduce<KubernetesObject>((spec, patch) => strategicMergePatch(spec, patch ?? '', 'PodSpec'), whole),
    needed,
  );
}

function executorContainer(name: ExecutorName): KubernetesObject {
  return { name, image: EXECUTOR_IMAGE, command: ['argosy-executor', name] };
}

/**
 * `wait` captures, and tells of progress; `init` stages, and puts the wrapper there behind which the user's containers run where their ends or outputs have to be known within
 * the pod: beside `wait`, among several containers, and where a program is started again.
 */
function executorsNeeded({ order: { template } }: BuildPodInput, work: PodWork): ExecutorName[] {
  if (work.task !== undefined) return [];
  const isCaptured =
    work.captureResult || work.archiveLogs || work.outputParameters.length > 0 || work.outputArtifacts.length > 0;
  const isStaged = work.scriptSource !== undefined || work.inputArtifacts.length > 0;
  const isFollowed = isCaptured || tellsProgress(template);
  const isWrapped = isFollowed || template.containerSet !== undefined || (template.sidecars ?? []).length > 0;
  return [...(isStaged || isWrapped ? (['init'] as const) : []), ...(isFollowed ? (['wait'] as const) : [])];
}

function lean(spec: KubernetesObject, needed: readonly ExecutorName[]): KubernetesObject {
  const without = (field: 'initContainers' | 'containers', name: ExecutorName): KubernetesObject[] => {
    const containers = (spec[field] ?? []) as KubernetesObject[];
    return needed.includes(name) ? containers : containers.filter((container) => container['name'] !== name);
  };
  const { initContainers: _, ...rest } = spec;
  const before = without('initContainers', 'init');
  return { ...(before.length === 0 ? {} : { initContainers: before }), ...rest, containers: without('containers', 'wait') };
}
