import { ExpressionError, evaluateWhen } from '#libs/expressions';
import { UserError, type PrometheusMetric } from '#libs/workflow-spec';
import { ExecutionError } from '../errors.js';
import type { Pass } from '../pass.js';
import { appendCondition } from '../workflow/conditions.js';
import type { MetricSample } from './metric-contract.js';

/** Metrics of one node or of the workflow (`id` ''); `resolved` replaces their tags. */
interface Measured {
  id: string;
  metrics: readonly PrometheusMetric[];
  resolved: () => PrometheusMetric[];
}

const gaugeId = (pass: Pass, id: string, index: number): string =>
  `${pass.state.submitted.metadata.uid ?? pass.state.name}/${id}/${index}`;

const isRealtime = ({ gauge }: PrometheusMetric): boolean => gauge?.realtime === true;

const numberOf = (name: string, text: string | undefined): number => {
  const value = text === undefined || text.trim() === '' ? NaN : Number(text);
  if (!Number.isFinite(value))
    throw new ExecutionError(`metric '${name}': could not read ${JSON.stringify(text ?? '')} as a number`);
  return value;
};

const OPERATIONS: ReadonlySet<string> = new Set(['Set', 'Add', 'Sub']);

const operationOf = (name: string, operation: string | undefined): MetricSample['operation'] => {
  if (operation === undefined || operation === '') return 'Set';
  if (!OPERATIONS.has(operation)) throw new ExecutionError(`metric '${name}': ${operation} is no operation of a gauge`);
  return operation as MetricSample['operation'];
};

/** The sample of a metric whose tags are replaced. Throws ExecutionError where it has no number or no kind. */
const sampleOf = (metric: PrometheusMetric, value?: number): MetricSample => {
  const { name = '', help = '', labels = [], gauge, counter, histogram } = metric;
  const facts = { name, help, labels: labels.map(({ key, value: text }) => ({ key, value: text })) };
  if (gauge !== undefined) {
    const operation = operationOf(name, gauge.operation);
    return {
      ...facts,
      kind: 'gauge',
      value: value ?? numberOf(name, gauge.value),
      ...(operation === undefined ? {} : { operation }),
    };
  }
  if (counter !== undefined) return { ...facts, kind: 'counter', value: numberOf(name, counter.value) };
  if (histogram !== undefined) {
    const buckets = (histogram.buckets ?? []).map((bound) => numberOf(name, String(bound)));
    return { ...facts, kind: 'histogram', value: numberOf(name, histogram.value), buckets };
  }
  throw new ExecutionError(`metric '${name}' must be one of gauge, counter, histogram`);
};

/** What is wrong with a metric is said in a condition of the workflow; it changes nothing else. */
const noting = (pass: Pass, work: () => void): void => {
  try {
    work();
  } catch (error) {
    if (!(error instanceof ExpressionError) && !(error instanceof UserError)) throw error;
    appendCondition(pass.state, { type: 'MetricsError', status: 'True', message: error.message });
  }
};

const measureOne = (pass: Pass, metric: PrometheusMetric): void => {
  const { when } = metric;
  if (when !== undefined && when !== '' && !evaluateWhen(when)) return;
  pass.state.pending.commands.push({ type: 'measure', sample: sampleOf(metric) });
};

/** Something has ended: its metrics have their values, those in real time their last one. */
export const measure = (pass: Pass, { id, metrics, resolved }: Measured): void =>
  noting(pass, () => {
    resolved().forEach((metric, index) => {
      const isGauge = metrics[index] !== undefined && isRealtime(metrics[index]);
      if (isGauge) pass.state.pending.commands.push({ type: 'endGauge', id: gaugeId(pass, id, index) });
      noting(pass, () => measureOne(pass, metric));
    });
  });

/** Something has begun: its gauges in real time go from now on. Only the time that it takes can be one (Argo's realtime scope). */
export const startGauges = (
  pass: Pass,
  { id, metrics, resolved, sinceMs, variable }: Measured & { sinceMs: number; variable: string },
): void => {
  if (!metrics.some(isRealtime)) return;
  noting(pass, () => {
    resolved().forEach((metric, index) => {
      const written = metrics[index]?.gauge?.value?.trim() ?? '';
      if (!isRealtime(metric)) return;
      if (written !== `{{${variable}}}`) {
        throw new ExecutionError(`real time metrics can only be used with metric variables: ${JSON.stringify(written)}`);
      }
      const gauge = { id: gaugeId(pass, id, index), sample: sampleOf(metric, 0), sinceMs };
      pass.state.pending.commands.push({ type: 'startGauge', gauge });
    });
  });
};
