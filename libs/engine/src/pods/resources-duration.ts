import { parseQuantity, type Template } from '#libs/workflow-spec';

const DEFAULT_REQUESTS: Readonly<Record<string, string>> = { cpu: '100m', memory: '100Mi' };

/** One unit of a resource for one second counts as one second. */
const DENOMINATORS: Readonly<Record<string, number>> = {
  memory: parseQuantity('100Mi'),
  storage: parseQuantity('10Gi'),
  'ephemeral-storage': parseQuantity('10Gi'),
};

const requestsOf = (template: Template): Record<string, string | number> => {
  const resources = (template.container ?? template.script)?.resources as
    { requests?: Record<string, string | number> } | undefined;
  return { ...DEFAULT_REQUESTS, ...resources?.requests };
};

/** What a pod has used, as Argo estimates it: requests times running time, in whole seconds per resource; at least one of memory. */
export const resourcesDurationOf = (template: Template, runningMs: number): Record<string, number> => {
  const seconds = Math.max(0, runningMs) / 1000;
  const durations: Record<string, number> = {};
  for (const [resource, quantity] of Object.entries(requestsOf(template))) {
    durations[resource] = Math.floor((seconds * parseQuantity(quantity)) / (DENOMINATORS[resource] ?? 1));
  }
  return { ...durations, memory: Math.max(1, durations['memory'] ?? 0) };
};
