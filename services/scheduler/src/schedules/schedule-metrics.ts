import type { Metrics } from '#libs/observability';
import type { ScheduleKey } from '#libs/store';

/** Argo's counters of CronWorkflows (4.1). */
export class ScheduleMetrics {
  private readonly triggered;
  private readonly limited;

  constructor(metrics: Metrics) {
    this.triggered = metrics.counter({
      name: 'argo_workflows_cronworkflows_triggered_total',
      help: 'Number of runs that CronWorkflows have begun.',
      labelNames: ['name', 'namespace'],
    });
    this.limited = metrics.counter({
      name: 'argo_workflows_cronworkflows_concurrencypolicy_triggered',
      help: 'Number of times that a concurrency policy held a run back or replaced one.',
      labelNames: ['name', 'namespace', 'concurrency_policy'],
    });
  }

  began({ name, namespace }: ScheduleKey): void {
    this.triggered.add(1, { name, namespace });
  }

  policy({ name, namespace }: ScheduleKey, policy: string): void {
    this.limited.add(1, { name, namespace, concurrency_policy: policy });
  }
}
