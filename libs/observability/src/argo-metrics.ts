import { type CounterMetric, type GaugeMetric, type HistogramMetric, type Metrics } from './metrics.js';

/** The instruments whose names and labels are those of Argo's controller (4.1), for existing dashboards. */
export interface ArgoMetrics {
  /** Workflows by phase, now. Label phase. */
  readonly workflows: GaugeMetric;
  /** Workflows that entered a phase. Labels phase, namespace. */
  readonly workflowsTotal: CounterMetric;
  /** Pods by phase, now. Label phase. */
  readonly pods: GaugeMetric;
  /** Seconds that one reconcile took. */
  readonly operationSeconds: HistogramMetric;
  /** Errors. Label cause. */
  readonly errors: CounterMetric;
  /** Rows that were woken. Label queue_name. */
  readonly queueAdds: CounterMetric;
  /** Rows that wait. Label queue_name. */
  readonly queueDepth: GaugeMetric;
}

/** Makes Argo's instruments, or finds them where another service of the process has made them. */
export function argoMetrics(metrics: Metrics): ArgoMetrics {
  const name = (suffix: string): string => `argo_workflows_${suffix}`;
  return {
    workflows: metrics.gauge({ name: name('gauge'), help: 'Number of workflows in each phase.', labelNames: ['phase'] }),
    workflowsTotal: metrics.counter({
      name: name('total_count'),
      help: 'Number of workflows that have entered each phase.',
      labelNames: ['phase', 'namespace'],
    }),
    pods: metrics.gauge({ name: name('pods_gauge'), help: 'Number of pods in each phase.', labelNames: ['phase'] }),
    operationSeconds: metrics.histogram({ name: name('operation_duration_seconds'), help: 'Seconds that one reconcile took.' }),
    errors: metrics.counter({ name: name('error_count'), help: 'Number of errors by cause.', labelNames: ['cause'] }),
    queueAdds: metrics.counter({ name: name('queue_adds_count'), help: 'Number of rows woken.', labelNames: ['queue_name'] }),
    queueDepth: metrics.gauge({ name: name('queue_depth_gauge'), help: 'Number of rows that wait.', labelNames: ['queue_name'] }),
  };
}
