import { parseQuantity, type Container, type Template } from '#libs/workflow-spec';
import type { ContainerReport } from '../contract.js';

const DEFAULT_REQUESTS: Readonly<Record<string, string>> = { cpu: '100m', memory: '100Mi' };

/** One unit of a resource for one second counts as one second. */
const DENOMINATORS: Readonly<Record<string, number>> = {
  memory: parseQuantity('100Mi'),
  storage: parseQuantity('10Gi'),
  'ephemeral-storage': parseQuantity('10Gi'),
};

const requestsOf = ({ resources }: Container): Record<string, string | number> => ({
  ...DEFAULT_REQUESTS,
  ...(resources as { requests?: Record<string, string | number> } | undefined)?.requests,
});

/** The containers that run while the pod does, each with its own time where it is known (members of a set). */
const runningContainers = (template: Template, runningMs: number, reports: readonly ContainerReport[]): [Container, number][] => {
  const { container, script, containerSet, sidecars = [] } = template;
  const mains = containerSet?.containers ?? [container ?? script ?? {}];
  const ownMs = (name: string | undefined): number => {
    const report = reports.find((candidate) => candidate.name === name);
    return report?.startedAtMs === undefined || report.finishedAtMs === undefined
      ? runningMs
      : report.finishedAtMs - report.startedAtMs;
  };
  return [...mains, ...sidecars].map((each): [Container, number] => [each, Math.max(0, ownMs(each.name))]);
};

/**
 * What a pod has used, as Argo estimates it: requests times running time over all its containers, in whole seconds per resource; at least one
 * of memory.
 */
export const resourcesDurationOf = (
  template: Template,
  runningMs: number,
  reports: readonly ContainerReport[] = [],
): Record<string, number> => {
  const durations: Record<string, number> = {};
  for (const [container, ownMs] of runningContainers(template, runningMs, reports)) {
    for (const [resource, quantity] of Object.entries(requestsOf(container))) {
      const seconds = Math.floor(((ownMs / 1000) * parseQuantity(quantity)) / (DENOMINATORS[resource] ?? 1));
      durations[resource] = (durations[resource] ?? 0) + seconds;
    }
  }
  return { ...durations, memory: Math.max(1, durations['memory'] ?? 0) };
};
