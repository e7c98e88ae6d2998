import { ConfigError } from '#libs/config';
import type { NamespaceLabels } from './namespace-labels.js';
import { isLimited, namespaceLimit, type ParallelismLimits } from '#libs/store';

/** The limits on running workflows as they are now; they may change at any time. */
export interface ParallelismSource {
  current(): ParallelismLimits;
}

/** The keys of the controller's ConfigMap that limit running workflows; absent or 0: no limit. */
export interface WrittenLimits {
  parallelism?: number | undefined;
  namespaceParallelism?: number | undefined;
}

/** Limits of the program's variables, and over them those of the controller's ConfigMap and of the labels of namespaces where they have them. */
export const parallelismFrom = (
  variables: ParallelismLimits,
  written: () => WrittenLimits = () => ({}),
  labels?: Pick<NamespaceLabels, 'current'>,
): ParallelismSource => ({
  current: () => {
    const { parallelism, namespaceParallelism } = written();
    const controller = parallelism ?? variables.controller;
    const namespace = namespaceParallelism ?? variables.namespace;
    return {
      ...(controller === undefined ? {} : { controller }),
      ...(namespace === undefined ? {} : { namespace }),
      byNamespace: { ...variables.byNamespace, ...labels?.current() },
    };
  },
});

/** Whether a workflow of this namespace has to be admitted. */
export const isAdmissionLimited = (limits: ParallelismLimits, namespace: string): boolean =>
  isLimited({ ...limits, namespace: 0, byNamespace: {} }) || namespaceLimit(limits, namespace) < Infinity;

/** `team-a=3,team-b=10` as limits; the counterpart of Argo's label on namespaces where there is no cluster. Throws ConfigError. */
export const namespaceLimitsFrom = (text: string | undefined): Record<string, number> => {
  const limits: Record<string, number> = {};
  for (const part of (text ?? '').split(',').map((piece) => piece.trim())) {
    if (part === '') continue;
    const match = /^([a-z0-9][a-z0-9.-]*)=(\d{1,9})$/.exec(part);
    if (!match?.[1]) {
      throw new ConfigError([{ variable: 'NAMESPACE_PARALLELISM_LIMITS', problem: `"${part}" is not <namespace>=<number>` }]);
    }
    limits[match[1]] = Number(match[2]);
  }
  return limits;
};
