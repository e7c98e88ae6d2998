import type { KubernetesObject, RetryStrategy, Template } from '#libs/workflow-spec';
import type { Pass } from '../pass.js';
import { asJson } from '../pass.js';
import type { TreeNode } from '../state/tree-node.js';

/** Kubernetes' label of a node's name. */
const DEFAULT_HOST_LABEL = 'kubernetes.io/hostname';

interface NodeSelectorTerm {
  matchExpressions?: { key: string; operator: string; values: string[] }[];
}

const failedHosts = (pass: Pass, retryNode: TreeNode): string[] => [
  ...new Set(
    pass.state
      .ownedBy(retryNode.id)
      .filter(({ memory }) => memory.role === 'attempt')
      .flatMap(({ status }) => status.hostNodeName ?? []),
  ),
];

const child = (parent: KubernetesObject | undefined, name: string): KubernetesObject =>
  (parent?.[name] as KubernetesObject | undefined) ?? {};

/** The template with hosts excluded on which attempts have failed, where `retryStrategy.affinity.nodeAntiAffinity` asks for it (Argo's RetryOnDifferentHost). */
export const awayFromFailedHosts = (pass: Pass, retryNode: TreeNode, strategy: RetryStrategy, template: Template): Template => {
  if (strategy.affinity?.['nodeAntiAffinity'] === undefined) return template;
  const hosts = failedHosts(pass, retryNode);
  if (hosts.length === 0) return template;
  const affinity: KubernetesObject = template.affinity ?? pass.state.spec.affinity ?? {};
  const nodeAffinity = child(affinity, 'nodeAffinity');
  const required = child(nodeAffinity, 'requiredDuringSchedulingIgnoredDuringExecution');
  const terms = (required['nodeSelectorTerms'] ?? [{}]) as NodeSelectorTerm[];
  const exclusion = { key: pass.config.retry?.hostNameLabel ?? DEFAULT_HOST_LABEL, operator: 'NotIn', values: hosts };
  const nodeSelectorTerms = terms.map((term) => ({ ...term, matchExpressions: [...(term.matchExpressions ?? []), exclusion] }));
  return {
    ...template,
    affinity: {
      ...affinity,
      nodeAffinity: {
        ...nodeAffinity,
        requiredDuringSchedulingIgnoredDuringExecution: { ...required, nodeSelectorTerms: asJson(nodeSelectorTerms) },
      },
    },
  };
};
