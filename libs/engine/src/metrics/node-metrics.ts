import { createScope, substituteJson, type Scope } from '#libs/expressions';
import { isFulfilled, NodeType, type Parameter, type PrometheusMetric, type Template } from '#libs/workflow-spec';
import type { Pass } from '../pass.js';
import { globalScope } from '../scope/globals.js';
import type { TreeNode } from '../state/tree-node.js';
import { templateOf } from '../templates/process-template.js';
import { measure, startGauges } from './measure.js';

const secondsOf = ({ memory }: TreeNode, nowMs: number): string =>
  (((memory.finishedAtMs ?? nowMs) - (memory.startedAtMs ?? nowMs)) / 1000).toFixed(6);

const parameterVariables = (prefix: string, parameters: readonly Parameter[] | undefined): [string, string][] =>
  (parameters ?? []).flatMap(({ name, value }): [string, string][] =>
    value === undefined ? [] : [[`${prefix}.parameters.${name}`, value]],
  );

const retriesOf = (pass: Pass, node: TreeNode): number => {
  const attempts = pass.state.ownedBy(node.id).filter(({ memory }) => memory.role === 'attempt');
  return Math.max(0, attempts.length - 1);
};

/** What metrics of a template may name beside the global variables. */
const variablesOf = (pass: Pass, node: TreeNode, { inputs }: Template): Map<string, string> => {
  const { phase = '', outputs, resourcesDuration = {} } = node.status;
  return new Map([
    ['duration', secondsOf(node, pass.nowMs)],
    ['status', phase],
    ['retries', String(retriesOf(pass, node))],
    ...(outputs?.exitCode === undefined ? [] : [['exitCode', outputs.exitCode] as const]),
    ...(outputs?.result === undefined ? [] : [['outputs.result', outputs.result] as const]),
    ...parameterVariables('inputs', inputs?.parameters),
    ...parameterVariables('outputs', outputs?.parameters),
    ...Object.entries(resourcesDuration).map(([name, seconds]) => [`resourcesDuration.${name}`, String(seconds)] as const),
  ]);
};

/** Whether anything in this workflow can have metrics; looked up once. */
export const hasMetrics = (pass: Pass): boolean =>
  pass.state.derived.of('', 'hasMetrics', () => {
    const { spec, header } = pass.state;
    return `${JSON.stringify(spec)}${JSON.stringify(header.status.storedTemplates ?? {})}`.includes('"prometheus"');
  });

/** Nodes that run a template: no groups, and no attempts, whose series speaks for them. */
const isMeasured = ({ status, memory }: TreeNode): boolean =>
  status.type !== NodeType.StepGroup &&
  status.type !== NodeType.TaskGroup &&
  status.type !== NodeType.Skipped &&
  status.type !== NodeType.Container &&
  memory.role !== 'attempt';

const metricsOf = (pass: Pass, node: TreeNode): { template: Template; metrics: readonly PrometheusMetric[] } => {
  const template = templateOf(pass, node);
  return { template, metrics: template.metrics?.prometheus ?? [] };
};

const measureNode = (pass: Pass, node: TreeNode): void => {
  const { template, metrics } = metricsOf(pass, node);
  if (metrics.length === 0) return;
  const scope: Scope = createScope(variablesOf(pass, node, template), globalScope(pass.state, pass.nowMs));
  const resolved = (): PrometheusMetric[] => substituteJson([...metrics], scope, { nowMs: pass.nowMs });
  if (isFulfilled(node.status)) measure(pass, { id: node.id, metrics, resolved });
  else
    startGauges(pass, { id: node.id, metrics, resolved, sinceMs: node.memory.startedAtMs ?? pass.nowMs, variable: 'duration' });
  const next = isFulfilled(node.status) ? 'ended' : 'begun';
  if (node.memory.measured === next) return;
  pass.state.change(node, () => {
    node.memory.measured = next;
  });
};

const isDue = ({ status, memory }: TreeNode): boolean =>
  memory.measured === undefined || (memory.measured === 'begun' && isFulfilled(status));

/**
 * Metrics of templates: gauges in real time as a node begins, everything else as it ends, each once (Argo's computeMetrics). Looks at nodes that
 * have changed in this decision, and once at all that are open where the state was made anew: their gauges go on.
 */
export const measureNodes = (pass: Pass, isRestored: boolean): void => {
  const { state } = pass;
  const changed = [...state.pending.nodes].flatMap((id) => state.find(id) ?? []).filter(isDue);
  const open = isRestored
    ? [...state.nodes.values()].filter(({ memory, status }) => memory.measured === 'begun' && !isFulfilled(status))
    : [];
  for (const node of new Set([...changed, ...open])) if (isMeasured(node)) measureNode(pass, node);
};
