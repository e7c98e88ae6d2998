import { formatLabelSelector, labelSelectorFrom } from '#libs/expressions';
import { type LabelRequirement, parseLabelSelector } from '#libs/store';
import type { ControllerConfig } from '#libs/workflow-spec';

/** What is archived, and how long it is kept. */
export interface ArchivePolicy {
  /** False: nothing is archived, and nobody waits for it. */
  enabled: boolean;
  /** Only workflows with such labels are archived; empty: all. */
  labels: readonly LabelRequirement[];
  /** Age at which an archived workflow is deleted, counted from its end; absent or 0: never, as in Argo. */
  ttlMs?: number | undefined;
}

/** `persistence` of the controller's ConfigMap where it is written (Argo's default for `archive` is false), else the program's variables. */
export const archivePolicyOf = (variables: ArchivePolicy, { persistence }: ControllerConfig): ArchivePolicy => {
  if (persistence === undefined) return variables;
  const { archive, archiveTTL, archiveLabelSelector } = persistence;
  const { matchLabels = {}, matchExpressions = [] } = archiveLabelSelector ?? {};
  const expressions = matchExpressions.map(({ key, operator, values = [] }) => ({ key, operator, values }));
  const selector = formatLabelSelector(labelSelectorFrom({ matchLabels, matchExpressions: expressions }));
  return { enabled: archive === true, labels: parseLabelSelector(selector), ttlMs: archiveTTL };
};
