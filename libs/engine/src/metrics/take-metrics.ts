import type { Pass } from '../pass.js';
import { hasMetrics, measureNodes } from './node-metrics.js';
import { measureWorkflow } from './workflow-metrics.js';

/** Everything that the spec's metrics have to say after this decision. Costs nothing where the spec has none. */
export const takeMetrics = (pass: Pass): void => {
  if (!hasMetrics(pass)) return;
  const { derived } = pass.state;
  const isRestored = !derived.has('', 'gauges');
  derived.of('', 'gauges', () => true);
  measureNodes(pass, isRestored);
  measureWorkflow(pass, isRestored);
};
