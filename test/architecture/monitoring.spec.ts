import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { argoMetrics, Metrics } from '#libs/observability';
import { root } from './program-configs.js';

interface Rule {
  alert: string;
  expr: string;
  annotations: Record<string, string>;
}

const read = (file: string): unknown => parse(readFileSync(join(root, 'k8s/monitoring', file), 'utf8'));
const rules = (read('alerts.yaml') as { spec: { groups: { rules: Rule[] }[] } }).spec.groups.flatMap(({ rules }) => rules);
const dashboard = JSON.parse((read('dashboard.yaml') as { data: { 'argosy.json': string } }).data['argosy.json']) as {
  panels: { id: number; title: string; targets: { expr: string }[] }[];
};

/** Names that the sources give to instruments, and those of the process and of Argo's controller. */
const instruments = async (): Promise<Set<string>> => {
  const metrics = new Metrics();
  metrics.showProcess();
  argoMetrics(metrics);
  const declared = [...(await metrics.text()).matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name ?? '');
  const named = execFileSync('git', ['grep', '-hoE', "name: '(argosy|argo_workflows)_[a-z_]+'", '--', 'libs', 'services'], {
    cwd: root,
    encoding: 'utf8',
  });
  return new Set([...declared, ...[...named.matchAll(/'(.+)'/g)].map(([, name]) => name ?? '')]);
};
const namesIn = (expr: string): string[] =>
  [...expr.matchAll(/\b(?:argosy|argo_workflows|process|nodejs)_[a-z_]+/g)].map(([name]) => name.replace(/_bucket$/, ''));

describe('monitoring', () => {
  it('asks only for metrics that programs have', async () => {
    const known = await instruments();
    const exprs = [
      ...rules.map(({ expr }) => expr),
      ...dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
    ];
    const asked = exprs.map((expr) => ({ expr, names: namesIn(expr) }));
    expect(asked.filter(({ names }) => names.length === 0)).toEqual([]);
    expect(asked.flatMap(({ names }) => names).filter((name) => !known.has(name))).toEqual([]);
  });

  it('says of each alert what it means and what to do', () => {
    expect(rules.length).toBeGreaterThan(0);
    expect(rules.filter(({ annotations }) => !annotations.summary || !annotations.description)).toEqual([]);
  });

  it('has a dashboard whose panels have numbers and titles of their own', () => {
    const { panels } = dashboard;
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    expect(new Set(panels.map(({ title }) => title)).size).toBe(panels.length);
  });
});
