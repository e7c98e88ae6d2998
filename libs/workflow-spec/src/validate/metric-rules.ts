import { WorkflowInvalidError } from '../errors.js';
import type { Metrics, PrometheusMetric } from '../model/workflow.js';

const NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

const assertMetric = (place: string, { name = '', help, labels = [] }: PrometheusMetric): void => {
  if (!NAME.test(name)) {
    throw new WorkflowInvalidError(
      `${place} metric name '${name}' is invalid. Metric names must contain alphanumeric characters or '_'`,
    );
  }
  for (const { key } of labels) {
    if (!NAME.test(key))
      throw new WorkflowInvalidError(`metric label '${key}' is invalid: keys may only contain alphanumeric characters or '_'`);
  }
  if (!help) throw new WorkflowInvalidError(`${place} metric '${name}' must contain a help string under 'help: ' field`);
};

/** Names, labels and help of the metrics that a template or the spec defines. `place` is what the message begins with. */
export const assertMetrics = (place: string, metrics: Metrics | undefined): void => {
  for (const metric of metrics?.prometheus ?? []) assertMetric(place, metric);
};
