import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

import { CustomMetrics } from './custom-metrics.js';

/** Labels of one sample, by label name. */
export type Labels = Readonly<Record<string, string | number>>;

/** Only grows. */
export interface CounterMetric {
  add(value?: number, labels?: Labels): void;
}

/** Goes up and down. */
export interface GaugeMetric {
  set(value: number, labels?: Labels): void;
  add(value: number, labels?: Labels): void;
  /** Forgets all its label combinations, before they are set anew. */
  reset(): void;
}

/** Counts observations into buckets. */
export interface HistogramMetric {
  observe(value: number, labels?: Labels): void;
}

interface MetricFacts {
  readonly name: string;
  readonly help: string;
  readonly labelNames?: readonly string[];
}

/** How often the event loop's lag is looked at; a finer look costs an idle program its rest. */
const EVENT_LOOP_PRECISION_MS = 100;

/** Prometheus waits 10 s by default; a check of readiness takes at most 2 s. */
const REFRESH_LIMIT_MS = 3_000;

const DURATION_BUCKETS_SECONDS = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/**
 * A program's metrics: its own instruments, and those that workflows define for themselves. Asking twice for one name
 * gives the same instrument, so that services in one process share it.
 */
export class Metrics {
  /** Metrics that workflow specs define. */
  readonly custom = new CustomMetrics();
  private readonly registry = new Registry();
  private readonly counters = new Map<string, CounterMetric>();
  private readonly gauges = new Map<string, GaugeMetric>();
  private readonly histograms = new Map<string, HistogramMetric>();
  private readonly refreshers: { refresh: () => Promise<void> | void; running?: Promise<void> | undefined }[] = [];

  counter(facts: MetricFacts): CounterMetric {
    return madeOnce(this.counters, facts.name, () => {
      const counter = new Counter({ ...promFacts(facts), registers: [this.registry] });
      return { add: (value = 1, labels = {}) => counter.inc(labels, value) };
    });
  }

  gauge(facts: MetricFacts): GaugeMetric {
    return madeOnce(this.gauges, facts.name, () => {
      const gauge = new Gauge({ ...promFacts(facts), registers: [this.registry] });
      return {
        set: (value, labels = {}) => gauge.set(labels, value),
        add: (value, labels = {}) => gauge.inc(labels, value),
        reset: () => gauge.reset(),
      };
    });
  }

  /** Buckets are upper bounds; by default seconds from 5 ms to 1 min. */
  histogram(facts: MetricFacts & { readonly buckets?: readonly number[] }): HistogramMetric {
    return madeOnce(this.histograms, facts.name, () => {
      const buckets = [...(facts.buckets ?? DURATION_BUCKETS_SECONDS)];
      const histogram = new Histogram({ ...promFacts(facts), buckets, registers: [this.registry] });
      return { observe: (value, labels = {}) => histogram.observe(labels, value) };
    });
  }

  /** Adds what Prometheus' clients tell of a process: memory, processor time, handles, event loop lag, garbage collection. Call it once. */
  showProcess(): void {
    collectDefaultMetrics({ register: this.registry, eventLoopMonitoringPrecision: EVENT_LOOP_PRECISION_MS });
  }

  /**
   * Runs before each scrape, for gauges that are read from tables, and not again before it has ended. Its failure leaves the gauges as they were; one that takes
   * longer than 3 s is not waited for. Where its last figures would mislead it has to take them away itself.
   */
  beforeScrape(refresh: () => Promise<void> | void): void {
    this.refreshers.push({ refresh });
  }

  /** All metrics in Prometheus' text format. */
  async text(): Promise<string> {
    await this.refreshInTime();
    return (await this.registry.metrics()) + this.custom.text();
  }

  /** Content type of `text`. */
  get contentType(): string {
    return this.registry.contentType;
  }

  /** Whoever collects metrics waits a few seconds, and has to be told above all while a database does not answer. */
  private async refreshInTime(): Promise<void> {
    for (const refresher of this.refreshers)
      refresher.running ??= Promise.resolve()
        .then(refresher.refresh)
        .catch(() => undefined)
        .finally(() => (refresher.running = undefined));
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, REFRESH_LIMIT_MS);
    });
    await Promise.race([Promise.all(this.refreshers.flatMap(({ running }) => running ?? [])), limit]);
    clearTimeout(timer);
  }
}

/** Nest token of the program's Metrics. */
export const METRICS = Symbol('Metrics');

function madeOnce<Metric>(known: Map<string, Metric>, name: string, make: () => Metric): Metric {
  const existing = known.get(name);
  if (existing !== undefined) return existing;
  const made = make();
  known.set(name, made);
  return made;
}

function promFacts({ name, help, labelNames = [] }: MetricFacts): { name: string; help: string; labelNames: string[] } {
  return { name, help, labelNames: [...labelNames] };
}
