import type { Command, RunningGauge } from '#libs/engine';
import type { Logger, Metrics } from '#libs/observability';
import type { Clock } from '#libs/workflow-spec';

export interface SpecMetricsPorts {
  metrics: Pick<Metrics, 'custom' | 'beforeScrape'>;
  /** Which of these workflows have not ended, for gauges that another replica may have taken over. */
  unfinished: (uids: readonly string[]) => Promise<ReadonlySet<string>>;
  clock: Clock;
  logger: Pick<Logger, 'warn'>;
  /** Series that were not updated for so long are forgotten (Argo's metricsTTL); 0: never. */
  ttlMs: number;
}

/**
 * Metrics that workflows define, as this replica has seen them happen. A value is recorded after the commit that it comes from, so at most
 * once: what a decision that was lost measured is measured by the one that is stored, and a crash right after the commit loses it. Each replica
 * shows its own part, as Prometheus expects of replicas: counters and histograms are added up over them.
 */
export class SpecMetrics {
  private readonly running = new Map<string, { uid: string; gauge: RunningGauge }>();

  constructor(private readonly ports: SpecMetricsPorts) {
    ports.metrics.beforeScrape(() => this.refresh());
  }

  committed(uid: string, commands: readonly Command[]): void {
    for (const command of commands) {
      if (command.type === 'measure') this.record(uid, command.sample);
      else if (command.type === 'startGauge') this.running.set(command.gauge.id, { uid, gauge: command.gauge });
      else if (command.type === 'endGauge') this.running.delete(command.id);
    }
  }

  /** Gauges in real time have the value of the moment at which they are read. */
  async refresh(): Promise<void> {
    const { clock, metrics, ttlMs } = this.ports;
    const nowMs = clock.nowMs();
    await this.dropEnded();
    for (const { uid, gauge } of this.running.values())
      this.record(uid, { ...gauge.sample, operation: 'Set', value: (nowMs - gauge.sinceMs) / 1000 });
    if (ttlMs > 0) metrics.custom.forgetBefore(nowMs - ttlMs);
  }

  private async dropEnded(): Promise<void> {
    const uids = [...new Set([...this.running.values()].map(({ uid }) => uid))];
    if (uids.length === 0) return;
    const open = await this.ports.unfinished(uids);
    for (const [id, { uid }] of this.running) if (!open.has(uid)) this.running.delete(id);
  }

  private record(uid: string, sample: RunningGauge['sample']): void {
    const problem = this.ports.metrics.custom.record(sample, this.ports.clock.nowMs());
    if (problem !== undefined) this.ports.logger.warn('a metric of a workflow cannot be recorded', { workflow: uid, problem });
  }
}
