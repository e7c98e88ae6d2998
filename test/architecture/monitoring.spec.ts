import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
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
/** Labels of each metric of ours, as the sources declare them. */
const declaredLabels = (): Map<string, string[]> => {
  const files = execFileSync(
    'git',
    ['grep', '-lE', "labelNames|name: '(argosy|argo_workflows)_|name\\('", '--', 'libs', 'services'],
    {
      cwd: root,
      encoding: 'utf8',
    },
  );
  const declared = new Map<string, string[]>();
  for (const file of files
    .trim()
    .split('\n')
    .filter((each) => !each.includes('.spec.'))) {
    const text = readFileSync(join(root, file), 'utf8');
    for (const [, plain, suffix, rest = ''] of text.matchAll(
      /name: (?:'((?:argosy|argo_workflows)_[a-z_]+)'|name\('([a-z_]+)'\))([\s\S]*?)\}\)/g,
    )) {
      const labels = /labelNames: \[([^\]]*)\]/.exec(rest)?.[1] ?? '';
      declared.set(
        plain ?? `argo_workflows_${suffix ?? ''}`,
        [...labels.matchAll(/'([a-z_]+)'/g)].map(([, label = '']) => label),
      );
    }
  }
  return declared;
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

  it('has alerts that speak where a program is gone, as its own metrics are then gone too', () => {
    const gone = rules.find(({ alert }) => alert === 'ArgosyProgramGone')?.expr ?? '';
    const programs = [...gone.matchAll(/absent\(argosy_ready\{program="([a-z-]+)"/g)].map(([, name]) => name);
    const deployed = readdirSync(join(root, 'k8s')).filter((folder) => existsSync(join(root, 'services', folder, 'src/main.ts')));
    expect(programs.sort()).toEqual(deployed.sort());
  });

  it('asks for no label that a metric has not', () => {
    const exprs = [
      ...rules.map(({ expr }) => expr),
      ...dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
    ];
    const declared = declaredLabels();
    // `program` comes from the PodMonitor, `le` from histograms.
    const given = ['program', 'le'];
    const wrong = exprs.flatMap((expr) =>
      [...expr.matchAll(/\b((?:argosy|argo_workflows)_[a-z_]+)\{([^}]*)\}/g)].flatMap(([, name = '', matchers = '']) =>
        [...matchers.matchAll(/([a-z_]+)(?:=~|!=|=)/g)]
          .map(([, label = '']) => label)
          .filter((label) => !given.includes(label) && !declared.get(name)?.includes(label))
          .map((label) => `${label} of ${name}`),
      ),
    );
    const grouped = exprs.flatMap((expr) => {
      const has = namesIn(expr).flatMap((name) => declared.get(name) ?? []);
      const made = [...expr.matchAll(/label_replace\(.*?, "([a-z_]+)", "\$1"/g)].map(([, label = '']) => label);
      return [...expr.matchAll(/\b(?:by|on) \(([^)]+)\)/g)]
        .flatMap(([, labels = '']) => labels.split(/,\s*/))
        .filter((label) => ![...given, ...has, ...made].includes(label))
        .map((label) => `${label} in ${expr}`);
    });
    expect([...wrong, ...grouped]).toEqual([]);
    expect(declared.get('argosy_job_runs_total')).toEqual(['queue', 'outcome']);
  });

  it('keeps labels of metrics that Prometheus would give itself: `namespace` is that of workflows', () => {
    const monitor = read('pod-monitor.yaml') as { spec: { podMetricsEndpoints: { honorLabels?: boolean }[] } };
    const itsOwn = [...declaredLabels().values()]
      .flat()
      .filter((label) => ['namespace', 'pod', 'container', 'job'].includes(label));
    expect(itsOwn).toContain('namespace');
    expect(monitor.spec.podMetricsEndpoints.map(({ honorLabels }) => honorLabels)).toEqual([true]);
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
