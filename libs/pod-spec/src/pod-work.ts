import { parseDuration, type Template } from '#libs/workflow-spec';

import type { BuildPodInput, ContainerGraphNode, ContainerRetry, PodWork } from './contract.js';
import { mainContainersOf } from './pod-containers.js';
import { taskOrderOf } from './task-order.js';

const DEFAULT_GRACE_SECONDS = 30;

/** What an executor has to do around the containers of this pod. */
export function podWork(input: BuildPodInput): PodWork {
  const { order, workflow, archiveLogs } = input;
  const repository = order.repository ?? input.repository;
  const { template } = order;
  const task = taskOrderOf(input);
  const outputs = template.outputs ?? {};
  return {
    workflowName: workflow.name,
    workflowNamespace: workflow.namespace,
    workflowUid: workflow.uid,
    nodeId: order.nodeId,
    ...(task === undefined ? containerWork(template) : { task }),
    ...(order.adopts === undefined ? {} : { adopts: order.adopts }),
    ...(template.script === undefined ? {} : { scriptSource: template.script.source }),
    inputArtifacts: template.inputs?.artifacts ?? [],
    outputParameters: outputs.parameters ?? [],
    outputArtifacts: outputs.artifacts ?? [],
    captureResult: order.captureResult,
    archiveLogs,
    ...(order.archiveKey === undefined ? {} : { archiveKey: order.archiveKey }),
    ...(repository === undefined ? {} : { repository }),
    ...(order.deadlineMs === undefined ? {} : { deadlineMs: order.deadlineMs }),
    terminationGracePeriodSeconds: DEFAULT_GRACE_SECONDS,
  };
}

function containerWork(template: Template): Partial<PodWork> {
  const retry = retryOf(template);
  const { containerSet } = template;
  return {
    mainContainers: mainContainersOf(template).map(({ name }) => name ?? ''),
    ...(containerSet === undefined ? {} : { containerGraph: (containerSet.containers ?? []).map(graphNode) }),
    ...(retry === undefined ? {} : { containerRetry: retry }),
    ...(template.daemon === true ? { daemon: true } : {}),
  };
}

/** The work of a row that has no containers. */
export function bareWork(workflow: BuildPodInput['workflow'], nodeId: string, more: Pick<PodWork, 'claim' | 'refusal'>): PodWork {
  return {
    workflowName: workflow.name,
    workflowNamespace: workflow.namespace,
    workflowUid: workflow.uid,
    nodeId,
    ...more,
    inputArtifacts: [],
    outputParameters: [],
    outputArtifacts: [],
    captureResult: false,
    archiveLogs: false,
    terminationGracePeriodSeconds: DEFAULT_GRACE_SECONDS,
  };
}

const graphNode = ({ name, dependencies }: { name?: string; dependencies?: string[] }): ContainerGraphNode => ({
  name: name ?? '',
  dependencies: dependencies ?? [],
});

function retryOf({ containerSet }: Template): ContainerRetry | undefined {
  const strategy = containerSet?.retryStrategy;
  const retries = Number(strategy?.retries ?? 0);
  if (strategy === undefined || !Number.isFinite(retries) || retries <= 0) return undefined;
  return { retries, durationMs: strategy.duration ? parseDuration(strategy.duration) : 0 };
}
