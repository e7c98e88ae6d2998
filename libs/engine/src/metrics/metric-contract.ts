/** What a metric of a spec measured once, resolved; names and labels are checked by who records it. */
export interface MetricSample {
  /** Without Argo's prefix. */
  name: string;
  help: string;
  labels: { key: string; value: string }[];
  kind: 'gauge' | 'counter' | 'histogram';
  value: number;
  /** Of gauges; default Set. */
  operation?: 'Set' | 'Add' | 'Sub';
  /** Upper bounds, of histograms. */
  buckets?: number[];
}

/** A gauge that shows how long something has been going on, at the moment when it is read. */
export interface RunningGauge {
  /** The same until it ends. */
  id: string;
  /** Its value counts only once the gauge has ended. */
  sample: MetricSample;
  /** Milliseconds since the epoch. */
  sinceMs: number;
}
