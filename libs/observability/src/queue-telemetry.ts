import { argoMetrics } from './argo-metrics.js';
import { type Metrics } from './metrics.js';

/** What the queue library reports, as metrics; it fits the queue's QueueTelemetry port. */
export interface QueueMetrics {
  woken(queue: string, rows: number): void;
  ran(queue: string, outcome: string, durationMs: number): void;
  hintDropped(queue: string, reason: string): void;
  hintSkipped(queue: string): void;
  workerReplaced(queue: string, reason: string): void;
  swept(queue: string, rows: number): void;
}

/** Counts handler runs by outcome, dropped and skipped hints, replaced workers and swept rows, by queue. */
export function queueMetrics(metrics: Metrics): QueueMetrics {
  const { errors, queueAdds } = argoMetrics(metrics);
  const runs = metrics.counter({
    name: 'argosy_job_runs_total',
    help: 'Number of handler runs; outcomes permanent and bug need a person.',
    labelNames: ['queue', 'outcome'],
  });
  const seconds = metrics.histogram({
    name: 'argosy_job_run_seconds',
    help: 'Seconds that a handler ran.',
    labelNames: ['queue'],
  });
  const dropped = metrics.counter({
    name: 'argosy_hints_dropped_total',
    help: 'Number of wake-ups left to the sweeper.',
    labelNames: ['queue', 'reason'],
  });
  const skipped = metrics.counter({
    name: 'argosy_hints_skipped_total',
    help: 'Number of copies of wake-ups whose work was done already.',
    labelNames: ['queue'],
  });
  const replaced = metrics.counter({
    name: 'argosy_queue_workers_replaced_total',
    help: 'Number of queue workers replaced because they were dead or silent.',
    labelNames: ['queue', 'reason'],
  });
  const swept = metrics.counter({
    name: 'argosy_swept_rows_total',
    help: 'Number of overdue rows woken.',
    labelNames: ['queue'],
  });
  return {
    woken: (queue, rows) => queueAdds.add(rows, { queue_name: queue }),
    ran: (queue, outcome, durationMs) => {
      runs.add(1, { queue, outcome });
      seconds.observe(durationMs / 1_000, { queue });
      if (outcome === 'permanent' || outcome === 'bug')
        errors.add(1, { cause: outcome === 'bug' ? 'OperationPanic' : 'PermanentError' });
    },
    hintDropped: (queue, reason) => dropped.add(1, { queue, reason }),
    hintSkipped: (queue) => skipped.add(1, { queue }),
    workerReplaced: (queue, reason) => replaced.add(1, { queue, reason }),
    swept: (queue, rows) => swept.add(rows, { queue }),
  };
}

/** After this the figures of the last scrape are taken away: before a scrape stops waiting for new ones. */
const READ_LIMIT_MS = 2_000;

/** What waits in one queue; it fits the queue library's backlogs. */
export interface ShownBacklog {
  readonly waitingCount: number;
  readonly ageMs: number;
}

/**
 * Reads, before each scrape, how many hints wait in each queue and for how long the oldest has: the signals to scale a program by.
 * All programs on a queue show the same figures, so the largest counts, not the sum. While they cannot be read nothing is shown: a
 * backlog that is not known is no calm one.
 */
export function showBacklogs(metrics: Metrics, backlogs: () => Promise<ReadonlyMap<string, ShownBacklog>>): void {
  const { queueDepth } = argoMetrics(metrics);
  const age = metrics.gauge({
    name: 'argosy_queue_backlog_age_seconds',
    help: 'Seconds that the oldest waiting row of a queue has waited, 0 where none waits; absent while the queue cannot be read.',
    labelNames: ['queue_name'],
  });
  const forget = (): void => {
    queueDepth.reset();
    age.reset();
  };
  metrics.beforeScrape(async () => {
    const late = setTimeout(forget, READ_LIMIT_MS);
    const found = await backlogs().catch(() => new Map<string, ShownBacklog>());
    clearTimeout(late);
    forget();
    for (const [queue, { waitingCount, ageMs }] of found) {
      queueDepth.set(waitingCount, { queue_name: queue });
      age.set(ageMs / 1_000, { queue_name: queue });
    }
  });
}
