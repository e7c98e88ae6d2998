/** One value that a workflow's `metrics.prometheus` entry gives; `name` is without Argo's prefix. */
export interface CustomSample {
  readonly name: string;
  readonly help: string;
  readonly labels: readonly { readonly key: string; readonly value: string }[];
  readonly kind: 'counter' | 'gauge' | 'histogram';
  readonly value: number;
  /** Of a gauge; Set where absent. */
  readonly operation?: 'Set' | 'Add' | 'Sub';
  /** Upper bounds of a histogram. */
  readonly buckets?: readonly number[];
}

interface Series {
  readonly labels: string;
  value: number;
  /** Observations at or below each upper bound. */
  readonly bucketCounts: number[];
  count: number;
  updatedAtMs: number;
}

interface Family {
  readonly help: string;
  readonly kind: CustomSample['kind'];
  readonly buckets: readonly number[];
  readonly series: Map<string, Series>;
}

/** Argo's prefix of every metric that a workflow defines. */
const PREFIX = 'argo_workflows_';
const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const LABEL = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

/** The metrics that workflows define in their specs. Series of one name may have different labels, as in Argo. */
export class CustomMetrics {
  private readonly families = new Map<string, Family>();

  /** Records a sample. Answers what is wrong with it where it cannot be recorded: its name, help, kind or buckets. */
  record(sample: CustomSample, nowMs: number): string | undefined {
    const problem = this.problemWith(sample);
    if (problem !== undefined) return problem;
    const family = this.familyOf(sample);
    const labels = labelText(sample.labels);
    const series = family.series.get(labels) ?? emptySeries(labels, family);
    family.series.set(labels, series);
    series.updatedAtMs = nowMs;
    update(series, sample, family.buckets);
    return undefined;
  }

  /** Forgets series that were not updated since `beforeMs` (Argo's metricsTTL). */
  forgetBefore(beforeMs: number): void {
    for (const [name, family] of this.families) {
      for (const [labels, series] of family.series) if (series.updatedAtMs < beforeMs) family.series.delete(labels);
      if (family.series.size === 0) this.families.delete(name);
    }
  }

  /** Prometheus' text format; empty where no workflow has defined a metric. */
  text(): string {
    return [...this.families].map(([name, family]) => familyText(PREFIX + name, family)).join('');
  }

  private problemWith({ name, help, labels, kind, value, buckets }: CustomSample): string | undefined {
    if (!NAME.test(name)) return `metric name '${name}' is invalid. Metric names must contain alphanumeric characters or '_'`;
    if (help === '') return `metric '${name}' must contain a help string under 'help: ' field`;
    const badLabel = labels.find(({ key }) => !LABEL.test(key));
    if (badLabel !== undefined)
      return `metric label '${badLabel.key}' is invalid: keys may only contain alphanumeric characters or '_'`;
    if (!Number.isFinite(value)) return `metric '${name}' has no number as its value`;
    if (kind === 'counter' && value < 0) return `metric '${name}' is a counter and cannot go down`;
    const known = this.families.get(name);
    if (known === undefined) return undefined;
    if (known.kind !== kind || known.help !== help) return `metric '${name}' exists with another type or help string`;
    const sameBuckets = String(known.buckets) === String(sortedBuckets(buckets));
    return sameBuckets ? undefined : `metric '${name}' exists with other buckets`;
  }

  private familyOf({ name, help, kind, buckets }: CustomSample): Family {
    const family = this.families.get(name) ?? { help, kind, buckets: sortedBuckets(buckets), series: new Map<string, Series>() };
    this.families.set(name, family);
    return family;
  }
}

function sortedBuckets(buckets: readonly number[] = []): number[] {
  return [...buckets].sort((a, b) => a - b);
}

function emptySeries(labels: string, { buckets }: Family): Series {
  return { labels, value: 0, bucketCounts: buckets.map(() => 0), count: 0, updatedAtMs: 0 };
}

function update(series: Series, { kind, value, operation = 'Set' }: CustomSample, buckets: readonly number[]): void {
  if (kind === 'histogram') {
    series.count += 1;
    series.value += value;
    buckets.forEach((bound, index) => {
      if (value <= bound) series.bucketCounts[index] = (series.bucketCounts[index] ?? 0) + 1;
    });
  } else if (kind === 'counter' || operation === 'Add') series.value += value;
  else if (operation === 'Sub') series.value -= value;
  else series.value = value;
}

function familyText(name: string, { help, kind, buckets, series }: Family): string {
  const lines = [`# HELP ${name} ${help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}`, `# TYPE ${name} ${kind}`];
  for (const one of series.values()) {
    if (kind !== 'histogram') lines.push(`${name}${braced(one.labels)} ${one.value}`);
    else {
      buckets.forEach((bound, index) =>
        lines.push(`${name}_bucket${braced(one.labels, `le="${bound}"`)} ${one.bucketCounts[index] ?? 0}`),
      );
      lines.push(`${name}_bucket${braced(one.labels, 'le="+Inf"')} ${one.count}`);
      lines.push(`${name}_sum${braced(one.labels)} ${one.value}`, `${name}_count${braced(one.labels)} ${one.count}`);
    }
  }
  return `${lines.join('\n')}\n`;
}

function braced(...parts: string[]): string {
  const present = parts.filter((part) => part !== '');
  return present.length === 0 ? '' : `{${present.join(',')}}`;
}

function labelText(labels: CustomSample['labels']): string {
  return [...labels]
    .sort((a, b) => (a.key < b.key ? -1 : 1))
    .map(({ key, value }) => `${key}="${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`)
    .join(',');
}
