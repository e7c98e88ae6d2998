import { beforeEach, describe, expect, it } from 'vitest';
import type { Command, MetricSample } from '#libs/engine';
import { Metrics } from '#libs/observability';
import { SpecMetrics } from './spec-metrics.js';

let metrics: Metrics;
let nowMs: number;
let open: Set<string>;
let warnings: unknown[];

const started = (ttlMs = 0): SpecMetrics =>
  new SpecMetrics({
    metrics,
    unfinished: async (uids) => new Set(uids.filter((uid) => open.has(uid))),
    clock: { nowMs: () => nowMs },
    logger: { warn: (message, fields) => warnings.push([message, fields]) },
    ttlMs,
  });

beforeEach(() => {
  metrics = new Metrics();
  nowMs = 10_000;
  open = new Set(['w']);
  warnings = [];
});

const sample = (more: Partial<MetricSample> = {}): MetricSample => ({
  name: 'm',
  help: 'h',
  labels: [{ key: 'l', value: 'v' }],
  kind: 'counter',
  value: 1,
  ...more,
});
const measure = (more: Partial<MetricSample> = {}): Command => ({ type: 'measure', sample: sample(more) });
const running = (id: string): Command => ({
  type: 'startGauge',
  gauge: { id, sample: sample({ kind: 'gauge', value: 0 }), sinceMs: 4_000 },
});

describe('metrics of workflows', () => {
  it('add up under Argo’s prefix', async () => {
    const spec = started();
    spec.committed('w', [measure(), measure({ value: 2 })]);
    expect(await metrics.text()).toContain('argo_workflows_m{l="v"} 3');
  });

  it('in real time have the value of the moment at which they are read, until they end', async () => {
    const spec = started();
    spec.committed('w', [running('a')]);
    expect(await metrics.text()).toContain('argo_workflows_m{l="v"} 6');
    nowMs = 12_000;
    expect(await metrics.text()).toContain('argo_workflows_m{l="v"} 8');
    spec.committed('w', [{ type: 'endGauge', id: 'a' }, measure({ kind: 'gauge', value: 8.5 })]);
    nowMs = 20_000;
    expect(await metrics.text()).toContain('argo_workflows_m{l="v"} 8.5');
  });

  it('in real time stop with their workflow, whoever saw its end', async () => {
    const spec = started();
    spec.committed('w', [running('a')]);
    await metrics.text();
    open.clear();
    nowMs = 60_000;
    expect(await metrics.text()).toContain('argo_workflows_m{l="v"} 6');
  });

  it('are forgotten when they have had no new value for long', async () => {
    const spec = started(1_000);
    spec.committed('w', [measure()]);
    nowMs += 1_001;
    expect(await metrics.text()).not.toContain('argo_workflows_m');
  });

  it('that contradict others of their name are said to the operator', () => {
    const spec = started();
    spec.committed('w', [measure(), measure({ help: 'something else' })]);
    expect(warnings).toEqual([
      [
        'a metric of a workflow cannot be recorded',
        { workflow: 'w', problem: "metric 'm' exists with another type or help string" },
      ],
    ]);
  });
});
