import { describe, expect, it } from 'vitest';

import { CustomMetrics, type CustomSample } from './index.js';

const sample = (changes: Partial<CustomSample>): CustomSample => ({
  name: 'result_counter',
  help: 'Runs by result',
  labels: [],
  kind: 'counter',
  value: 1,
  ...changes,
});

describe('metrics that workflows define', () => {
  it('adds counters up, by labels', () => {
    const metrics = new CustomMetrics();
    const labels = [{ key: 'status', value: 'Failed' }];
    metrics.record(sample({ labels }), 0);
    metrics.record(sample({ labels, value: 2 }), 0);
    metrics.record(sample({ labels: [{ key: 'name', value: 'a"b' }] }), 0);
    expect(metrics.text()).toBe(
      [
        '# HELP argo_workflows_result_counter Runs by result',
        '# TYPE argo_workflows_result_counter counter',
        'argo_workflows_result_counter{status="Failed"} 3',
        'argo_workflows_result_counter{name="a\\"b"} 1',
        '',
      ].join('\n'),
    );
  });

  it('sets, raises and lowers gauges', () => {
    const metrics = new CustomMetrics();
    const gauge = { name: 'g', kind: 'gauge' } as const;
    metrics.record(sample({ ...gauge, value: 10 }), 0);
    metrics.record(sample({ ...gauge, value: 5, operation: 'Add' }), 0);
    metrics.record(sample({ ...gauge, value: 1, operation: 'Sub' }), 0);
    expect(metrics.text()).toContain('argo_workflows_g 14\n');
  });

  it('counts observations into cumulative buckets', () => {
    const metrics = new CustomMetrics();
    const histogram = { name: 'h', kind: 'histogram', buckets: [4, 2] } as const;
    for (const value of [1, 3, 9]) metrics.record(sample({ ...histogram, value }), 0);
    expect(metrics.text()).toContain(
      [
        'argo_workflows_h_bucket{le="2"} 1',
        'argo_workflows_h_bucket{le="4"} 2',
        'argo_workflows_h_bucket{le="+Inf"} 3',
        'argo_workflows_h_sum 13',
        'argo_workflows_h_count 3',
      ].join('\n'),
    );
  });

  it('says what is wrong with a sample and records nothing of it', () => {
    const metrics = new CustomMetrics();
    metrics.record(sample({}), 0);
    const before = metrics.text();
    const problems = [
      sample({ name: 'not-a-name' }),
      sample({ help: '' }),
      sample({ labels: [{ key: 'a-b', value: '' }] }),
      sample({ value: Number.NaN }),
      sample({ value: -1 }),
      sample({ help: 'another help' }),
      sample({ kind: 'gauge' }),
    ].map((bad) => metrics.record(bad, 0));
    expect(problems.every((problem) => typeof problem === 'string')).toBe(true);
    expect(metrics.text()).toBe(before);
  });

  it('forgets series that were not updated for long', () => {
    const metrics = new CustomMetrics();
    metrics.record(sample({ name: 'old' }), 1_000);
    metrics.record(sample({ name: 'new' }), 5_000);
    metrics.forgetBefore(3_000);
    expect(metrics.text()).not.toContain('argo_workflows_old');
    expect(metrics.text()).toContain('argo_workflows_new 1');
  });
});
