import { NodeType, type Artifact, type Outputs } from '#libs/workflow-spec';
import type { TreeNode } from '../state/tree-node.js';
import type { WorkflowState } from '../state/workflow-state.js';

/** The last attempt of a Retry node, or undefined where it has none. */
export const lastAttempt = (state: WorkflowState, retryNode: TreeNode): TreeNode | undefined =>
  state.lastOwned(retryNode.id, (node) => node.memory.role === 'attempt');

/** What others read when they name this node: for a Retry its last attempt, else itself (Argo's possiblyGetRetryChildNode). */
const speakingNode = (state: WorkflowState, node: TreeNode): TreeNode =>
  node.status.type === NodeType.Retry && (node.status.nodeFlag?.retried !== true || node.memory.role !== 'attempt')
    ? (lastAttempt(state, node) ?? node)
    : node;

const outputVariables = (prefix: string, outputs: Outputs | undefined): [string, string][] => [
  ...(outputs?.result === undefined ? [] : [[`${prefix}.outputs.result`, outputs.result] as [string, string]]),
  ...(outputs?.exitCode === undefined ? [] : [[`${prefix}.exitCode`, outputs.exitCode] as [string, string]]),
  ...(outputs?.parameters ?? []).flatMap((parameter): [string, string][] =>
    parameter.value === undefined ? [] : [[`${prefix}.outputs.parameters.${parameter.name}`, parameter.value]],
  ),
];

/** The variables that a finished or running node gives to those who name it under `prefix` (Argo's buildLocalScope). */
export const nodeVariables = (state: WorkflowState, prefix: string, node: TreeNode): [string, string][] => {
  const { status } = speakingNode(state, node);
  const fields: [string, string | null | undefined][] = [
    [`${prefix}.id`, status.id],
    [`${prefix}.startedAt`, status.startedAt],
    [`${prefix}.finishedAt`, status.finishedAt],
    [`${prefix}.ip`, status.podIP],
    [`${prefix}.status`, status.phase],
    [`${prefix}.hostNodeName`, status.hostNodeName],
  ];
  return [
    ...fields.filter((field): field is [string, string] => typeof field[1] === 'string' && field[1] !== ''),
    ...outputVariables(prefix, status.outputs),
  ];
};

/** Output artifacts of a node by the name under which others reach them. */
export const nodeArtifacts = (state: WorkflowState, prefix: string, node: TreeNode): [string, Artifact][] =>
  (speakingNode(state, node).status.outputs?.artifacts ?? []).map((artifact) => [
    `${prefix}.outputs.artifacts.${artifact.name}`,
    artifact,
  ]);
