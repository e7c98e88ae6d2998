import { type ArgoMetrics, argoMetrics, type Metrics } from '#libs/observability';
import type { WorkflowRepository } from '#libs/store';

/** Argo's metrics of workflows, so that existing dashboards go on: gauges are read from the tables at each scrape. */
export class SchedulerMetrics {
  private readonly argo: ArgoMetrics;

  constructor(metrics: Metrics, workflows: Pick<WorkflowRepository, 'countByPhase'>) {
    this.argo = argoMetrics(metrics);
    metrics.beforeScrape(async () => {
      const counts = await workflows.countByPhase();
      for (const [gauge, byPhase] of [
        [this.argo.workflows, counts.workflows],
        [this.argo.pods, counts.pods],
      ] as const) {
        gauge.reset();
        for (const [phase, count] of Object.entries(byPhase)) gauge.set(count, { phase });
      }
    });
  }

  /** One handler run took this long. */
  reconciled(durationMs: number): void {
    this.argo.operationSeconds.observe(durationMs / 1000);
  }

  entered(phase: string, namespace: string): void {
    this.argo.workflowsTotal.add(1, { phase, namespace });
  }
}
