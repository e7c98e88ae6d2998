import { displayName, formatTime, isFulfilledPhase, NodePhase, NodeType, type Template } from '#libs/workflow-spec';
import type { ContainerReport, PodReport } from '../contract.js';
import type { Pass } from '../pass.js';
import { setPhase } from '../phase/transitions.js';
import { completeProgress } from '../state/counters.js';
import type { TreeNode } from '../state/tree-node.js';
import type { WorkflowState } from '../state/workflow-state.js';

/** Argo's name of the node of one container of a set. */
const containerNodeName = (pod: TreeNode, container: string): string => `${pod.status.name}.${container}`;

/** The nodes of a pod's containers, in the order of the set. */
const containerNodes = (state: WorkflowState, pod: TreeNode): TreeNode[] =>
  state.ownedBy(pod.id).filter(({ memory }) => memory.role === 'container');

/**
 * Gives the pod of a container set a node for each of its containers: below the pod, or below those that it depends on (Argo's
 * executeContainerSet). Does nothing for other templates.
 */
export const addContainers = (pass: Pass, pod: TreeNode, { containerSet }: Template): void => {
  const { state, nowMs } = pass;
  const written = containerSet?.containers ?? [];
  if (written.length === 0 || isFulfilledPhase(pod.status.phase)) return;
  const { templateName, templateRef, templateScope } = pod.status;
  for (const { name = '' } of written) {
    state.create({
      status: {
        name: containerNodeName(pod, name),
        displayName: displayName(containerNodeName(pod, name), pod.status.name),
        type: NodeType.Container,
        ...(templateName === undefined ? {} : { templateName }),
        ...(templateRef === undefined ? {} : { templateRef }),
        ...(templateScope === undefined ? {} : { templateScope }),
        phase: NodePhase.Pending,
        boundaryID: pod.id,
        startedAt: formatTime(nowMs),
        finishedAt: null,
        progress: '0/1',
      },
      memory: { owner: pod.id, role: 'container', name, startedAtMs: nowMs },
      parents: [],
    });
  }
  for (const { name = '', dependencies = [] } of written) {
    const before = dependencies.flatMap((each) => state.byName(containerNodeName(pod, each))?.id ?? []);
    const node = state.byName(containerNodeName(pod, name));
    if (node !== undefined) state.link(before.length === 0 ? [pod.id] : before, node);
  }
};

/** 64 is what the program around a container ends with when itself could not go on, as after a dependency that failed. */
const SUPERVISOR_FAILED = 64;

const endPhase = ({ phase, exitCode }: ContainerReport): NodePhase =>
  phase === 'Succeeded' ? NodePhase.Succeeded : exitCode === SUPERVISOR_FAILED ? NodePhase.Error : NodePhase.Failed;

const take = (pass: Pass, node: TreeNode, report: ContainerReport): void => {
  const { state, nowMs } = pass;
  if (report.phase === 'Pending') return;
  if (report.phase === 'Running') {
    setPhase(state, node, { phase: NodePhase.Running, nowMs });
    return;
  }
  const { finishedAtMs, exitCode = 0 } = report;
  state.change(node, () => {
    if (report.phase === 'Succeeded') node.status.progress = completeProgress(node.status.progress);
    if (finishedAtMs === undefined) return;
    node.status.finishedAt = formatTime(finishedAtMs);
    node.memory.finishedAtMs = finishedAtMs;
  });
  const message = report.phase === 'Succeeded' ? '' : (report.message ?? `Error (exit code ${exitCode}): `);
  setPhase(state, node, { phase: endPhase(report), message, nowMs });
};

/** Takes over how the containers of a set are doing; ended ones stay as they are. */
export const takeContainers = (pass: Pass, pod: TreeNode, { containers = [] }: PodReport): void => {
  for (const report of containers) {
    const node = pass.state.byName(containerNodeName(pod, report.name));
    if (node !== undefined && node.memory.owner === pod.id && !isFulfilledPhase(node.status.phase)) take(pass, node, report);
  }
};

/** The pod has ended: containers of which nothing was heard end as it did. */
export const endContainers = (pass: Pass, pod: TreeNode): void => {
  const { state, nowMs } = pass;
  const { phase = NodePhase.Error, message: said = '' } = pod.status;
  if (!isFulfilledPhase(phase)) return;
  const message = said === 'pod deleted' ? 'container deleted' : said;
  for (const node of containerNodes(state, pod)) {
    if (isFulfilledPhase(node.status.phase)) continue;
    if (phase === NodePhase.Succeeded) {
      state.change(node, () => {
        node.status.progress = completeProgress(node.status.progress);
      });
    }
    setPhase(state, node, { phase, message, nowMs });
  }
};

/** The last containers of a set: those that no other one of it comes after. */
export const lastContainers = (state: WorkflowState, pod: TreeNode): TreeNode[] =>
  containerNodes(state, pod).filter((node) => !state.children(node).some((child) => child.memory.owner === pod.id));
