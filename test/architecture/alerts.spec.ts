import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { root } from './program-configs.js';

interface Rule {
  alert: string;
  labels: Record<string, string>;
  annotations: Record<string, string>;
}

const { spec } = parse(readFileSync(join(root, 'k8s/monitoring/alerts.yaml'), 'utf8')) as {
  spec: { groups: { rules: Rule[] }[] };
};
const rules = spec.groups.flatMap((group) => group.rules);
const PROGRAMS = ['server', 'scheduler', 'pod-manager', 'offloader', 'archiver', 'artifact-gc'];
const SOURCES = ['database', 'queue'];

/** Samples a minute, in promtool's own notation, by series. */
type Samples = Record<string, string>;

/** What programs in health show for eight hours: handlers run, one has failed once and went on. */
const HEALTH: Samples = {
  ...Object.fromEntries(
    PROGRAMS.flatMap((program) => SOURCES.map((source) => [`argosy_ready{program="${program}", source="${source}"}`, '1x480'])),
  ),
  'argosy_queue_backlog_age_seconds{program="scheduler", queue_name="workflow"}': '0x480',
  'argosy_queue_backlog_age_seconds{program="pod-manager", queue_name="pod.node1"}': '0x480',
  'argosy_job_runs_total{program="scheduler", queue="workflow", outcome="done"}': '0+30x480',
  'argosy_job_runs_total{program="scheduler", queue="workflow", outcome="transient"}': '0+1x480',
  'argosy_job_runs_total{program="pod-manager", queue="pod", outcome="done"}': '0+30x480',
  'argosy_swept_rows_total{program="scheduler", queue="workflow"}': '0+1x480',
  'argosy_queue_workers_replaced_total{program="scheduler", queue="workflow", reason="failing"}': '0 1 1 1x477',
  argosy_controller_config_problems: '0x480',
  argosy_artifact_deletions_failing: '0x480',
};

interface Fault {
  alert: string;
  /** Health with this instead; undefined takes a series away. */
  shows: Record<string, string | undefined>;
  /** Minutes at which it is silent still, and speaks. */
  silentAt: number;
  speaksAt: number;
  /** Of what it speaks. */
  of: Record<string, string>[];
}

const FAULTS: Record<string, Fault> = {
  'rows wait for more than a minute': {
    alert: 'ArgosyBacklogOld',
    shows: { 'argosy_queue_backlog_age_seconds{program="scheduler", queue_name="workflow"}': '0x9 90x60' },
    ...{ silentAt: 12, speaksAt: 16, of: [{ queue_name: 'workflow' }] },
  },
  'programs live and no handler runs': {
    alert: 'ArgosyNobodyWorks',
    shows: {
      'argosy_queue_backlog_age_seconds{program="pod-manager", queue_name="pod.node1"}': '0x9 60+60x60',
      'argosy_job_runs_total{program="pod-manager", queue="pod", outcome="done"}': '0+30x9 270x60',
    },
    ...{ silentAt: 16, speaksAt: 22, of: [{ queue_name: 'pod.node1', queue: 'pod' }] },
  },
  'what a queue needs is away': {
    alert: 'ArgosyTriesInVain',
    shows: {
      'argosy_job_runs_total{program="archiver", queue="archive", outcome="done"}': '0+5x9 50x60',
      'argosy_job_runs_total{program="archiver", queue="archive", outcome="transient"}': '0x9 0+2x60',
    },
    ...{ silentAt: 25, speaksAt: 35, of: [{ queue: 'archive' }] },
  },
  'two programs are gone': {
    alert: 'ArgosyProgramGone',
    shows: Object.fromEntries(
      ['archiver', 'scheduler'].flatMap((program) =>
        SOURCES.map((source) => [`argosy_ready{program="${program}", source="${source}"}`, '1x9 stale']),
      ),
    ),
    ...{ silentAt: 12, speaksAt: 20 },
    of: ['archiver', 'scheduler'].map((program) => ({ program, source: 'database' })),
  },
  'no copy reaches the queue': {
    alert: 'ArgosyNotReady',
    shows: { 'argosy_ready{program="offloader", source="queue"}': '1x9 0x60' },
    ...{ silentAt: 11, speaksAt: 13, of: [{ program: 'offloader', source: 'queue' }] },
  },
  'a handler fails for good, which it never did before': {
    alert: 'ArgosyErrorsForPeople',
    shows: { 'argosy_job_runs_total{program="scheduler", queue="workflow", outcome="bug"}': '_x20 1x60' },
    ...{ silentAt: 18, speaksAt: 22, of: [{ queue: 'workflow', outcome: 'bug' }] },
  },
  'hints are lost again and again': {
    alert: 'ArgosyHintsLost',
    shows: { 'argosy_swept_rows_total{program="scheduler", queue="workflow"}': '0+30x90' },
    ...{ silentAt: 20, speaksAt: 40, of: [{ queue: 'workflow' }] },
  },
  'the stored configuration is wrong': {
    alert: 'ArgosyConfigurationIgnored',
    shows: { argosy_controller_config_problems: '0x9 2x60' },
    ...{ silentAt: 12, speaksAt: 16, of: [{}] },
  },
  'deletions fail for six hours': {
    alert: 'ArgosyArtifactsStay',
    shows: { argosy_artifact_deletions_failing: '0x9 3x470' },
    ...{ silentAt: 360, speaksAt: 375, of: [{}] },
  },
  'workers die again and again': {
    alert: 'ArgosyRestarts',
    shows: {
      'argosy_queue_workers_replaced_total{program="scheduler", queue="workflow", reason="failing"}': '0x9 1+1x60',
    },
    ...{ silentAt: 10, speaksAt: 20, of: [{ queue: 'workflow' }] },
  },
};

/** What programs show while Redis is away from the tenth minute on: no backlog, no runs, and nobody is replaced. */
const OUTAGE: Samples = {
  ...HEALTH,
  ...Object.fromEntries(PROGRAMS.map((program) => [`argosy_ready{program="${program}", source="queue"}`, '1x9 0x60'])),
  'argosy_queue_backlog_age_seconds{program="scheduler", queue_name="workflow"}': '0x8 90 stale',
  'argosy_queue_backlog_age_seconds{program="pod-manager", queue_name="pod.node1"}': '0x8 90 stale',
  'argosy_job_runs_total{program="scheduler", queue="workflow", outcome="done"}': '0+30x9 270x60',
  'argosy_job_runs_total{program="scheduler", queue="workflow", outcome="transient"}': '0+1x9 9x60',
  'argosy_job_runs_total{program="pod-manager", queue="pod", outcome="done"}': '0+30x9 270x60',
};

const inputOf = (samples: Record<string, string | undefined>) =>
  Object.entries(samples).flatMap(([series, values]) => (values === undefined ? [] : [{ series, values }]));

/** A text of a rule with the labels of an alert in it; a label that the alert has not stays as it is written. */
const textWith = (text: string, labels: Record<string, string>): string =>
  text.replace(/\{\{ \$labels\.(\w+) \}\}/g, (written, name: string) => labels[name] ?? written);

/** Without `of` the alert must be silent. */
const expected = (rule: Rule, minute: number, of: Record<string, string>[] = []) => ({
  eval_time: `${minute}m`,
  alertname: rule.alert,
  exp_alerts: of.map((labels) => ({
    exp_labels: { ...rule.labels, ...labels },
    exp_annotations: Object.fromEntries(Object.entries(rule.annotations).map(([key, text]) => [key, textWith(text, labels)])),
  })),
});

const folder = mkdtempSync(join(tmpdir(), 'argosy-alerts-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Prometheus' own words about the rules and about tests of them; undefined where the program promtool is not there. */
const promtool = async (...args: string[]): Promise<string | undefined> => {
  try {
    const { stdout, stderr } = await promisify(execFile)('promtool', args, { cwd: folder });
    return stdout + stderr;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    return `FAILED ${stdout}${stderr}`;
  }
};
writeFileSync(join(folder, 'rules.yaml'), stringify(spec));
const found = await promtool('check', 'rules', 'rules.yaml');
const why = found === undefined ? ' (skipped: promtool is not installed)' : '';

describe.skipIf(found === undefined)(`alerts as Prometheus evaluates them${why}`, () => {
  it('are rules that it takes', () => {
    expect(found).toContain(`SUCCESS: ${rules.length} rules found`);
  });

  it('have a fault each', () => {
    expect(Object.values(FAULTS).map(({ alert }) => alert)).toEqual(rules.map(({ alert }) => alert));
  });

  it('say of an outage of Redis that it is one, and nothing else', async () => {
    const spoken = PROGRAMS.map((program) => ({ program, source: 'queue' }));
    const alert_rule_test = [15, 20, 40].flatMap((minute) =>
      rules.map((rule) => expected(rule, minute, rule.alert === 'ArgosyNotReady' ? spoken : [])),
    );
    const outage = { interval: '1m', name: 'outage', input_series: inputOf(OUTAGE), alert_rule_test };
    const tests = { rule_files: ['rules.yaml'], evaluation_interval: '1m', tests: [outage] };
    writeFileSync(join(folder, 'outage.yaml'), stringify(tests));
    expect(await promtool('test', 'rules', 'outage.yaml')).toContain('SUCCESS');
  });

  it('are silent in health, and each speaks of its fault when it has lasted', async () => {
    const minutes = [1, 5, 10, 30, 60, 120, 420];
    const health = {
      interval: '1m',
      name: 'health',
      input_series: inputOf(HEALTH),
      alert_rule_test: rules.flatMap((rule) => minutes.map((minute) => expected(rule, minute))),
    };
    const faults = Object.entries(FAULTS).map(([name, { alert, shows, silentAt, speaksAt, of }]) => {
      const rule = rules.find((each) => each.alert === alert) as Rule;
      const alert_rule_test = [expected(rule, silentAt), expected(rule, speaksAt, of)];
      return { interval: '1m', name, input_series: inputOf({ ...HEALTH, ...shows }), alert_rule_test };
    });
    const tests = { rule_files: ['rules.yaml'], evaluation_interval: '1m', tests: [health, ...faults] };
    writeFileSync(join(folder, 'tests.yaml'), stringify(tests));
    expect(await promtool('test', 'rules', 'tests.yaml')).toContain('SUCCESS');
  });
});
