import { type NodeStatus, podNameOfNode, type Workflow, type WorkflowSpec } from '#libs/workflow-spec';
import { shortDuration, timestampText, wordyDuration } from './ages.js';
import { nodeIcon, type TextStyle, workflowPhaseText } from './icons.js';
import { tableText } from './table.js';
import { drawTrees, type NodeFilter, treesOf } from './tree.js';

export interface WorkflowTextOptions extends TextStyle {
  nowMs: number;
  format: 'default' | 'short' | 'wide';
  /** Nodes whose line is left out, beside those that are never drawn. */
  hides: NodeFilter;
}

const KEY_WIDTH = 20;
const keyed = (key: string, value: string): string => `${`${key}:`.padEnd(KEY_WIDTH)} ${value}`;
const indented = (key: string, value: string): string => `${`  ${key}:`.padEnd(KEY_WIDTH)} ${value}`;

/** What `argo get` prints: a block of facts and the tree of nodes. */
export const workflowText = (workflow: Workflow, options: WorkflowTextOptions): string => {
  const tree = treeText(workflow, options);
  return [...factLines(workflow, options), ...(tree === '' ? [] : ['', tree])].join('\n');
};

const factLines = (workflow: Workflow, options: WorkflowTextOptions): string[] => {
  const { metadata, status = {} } = workflow;
  const lines = [
    keyed('Name', metadata.name ?? metadata.generateName ?? ''),
    keyed('Namespace', metadata.namespace ?? ''),
    keyed('ServiceAccount', serviceAccountText(workflow)),
    keyed('Status', statusText(workflow, options)),
  ];
  if (status.message) lines.push(keyed('Message', status.message));
  if (status.conditions?.length) {
    lines.push('Conditions:');
    for (const { type, status: value, message } of status.conditions) {
      lines.push(`${` ${type}`.padEnd(KEY_WIDTH)} ${message || value || ''}`);
    }
  }
  lines.push(...timeLines(workflow, options), ...valueLines(workflow));
  return lines;
};

/** What runs: the workflow's own spec, or the template's with the workflow's laid over it. */
const executedSpec = ({ spec, status }: Workflow): WorkflowSpec =>
  (spec.workflowTemplateRef ? status?.storedWorkflowTemplateSpec : undefined) ?? spec;

const serviceAccountText = (workflow: Workflow): string => {
  const { serviceAccountName } = executedSpec(workflow);
  if (serviceAccountName) return serviceAccountName;
  return workflow.spec.workflowTemplateRef ? 'unset' : 'unset (will run with the default ServiceAccount)';
};

/** Argo's words for a workflow that waits for a person, and for one that somebody ended (by either way). */
const statusText = ({ spec, status = {} }: Workflow, style: TextStyle): string => {
  const suspended = spec.suspend === true || Object.values(status.nodes ?? {}).some(isWaitingSuspend);
  if (suspended && status.phase === 'Running') return 'Running (Suspended)';
  return workflowPhaseText(status.phase, style) + (spec.shutdown ? ' (Terminated)' : '');
};

const isWaitingSuspend = (node: NodeStatus): boolean => node.type === 'Suspend' && node.phase === 'Running';

const timeLines = ({ metadata, status = {} }: Workflow, { nowMs }: WorkflowTextOptions): string[] => {
  const lines: string[] = [];
  const { startedAt, finishedAt } = status;
  if (metadata.creationTimestamp) lines.push(keyed('Created', timestampText(metadata.creationTimestamp, nowMs)));
  if (startedAt) lines.push(keyed('Started', timestampText(startedAt, nowMs)));
  if (finishedAt) lines.push(keyed('Finished', timestampText(finishedAt, nowMs)));
  if (startedAt)
    lines.push(keyed('Duration', wordyDuration((finishedAt ? Date.parse(finishedAt) : nowMs) - Date.parse(startedAt))));
  if (status.estimatedDuration) lines.push(keyed('EstimatedDuration', wordyDuration(status.estimatedDuration * 1000)));
  if (status.progress) lines.push(keyed('Progress', status.progress));
  if (status.resourcesDuration) lines.push(keyed('ResourcesDuration', resourcesText(status.resourcesDuration)));
  return lines;
};

const RESOURCE_UNITS: Record<string, string> = {
  cpu: '1 cpu',
  memory: '100Mi memory',
  storage: '10Gi storage',
  'ephemeral-storage': '10Gi ephemeral-storage',
};

const resourcesText = (durations: Record<string, number>): string =>
  Object.entries(durations)
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([name, seconds]) => `${secondsText(seconds)}*(${RESOURCE_UNITS[name] ?? `1 ${name}`})`)
    .join(',');

const secondsText = (seconds: number): string => {
  const minutes = Math.floor(seconds / 60);
  return minutes === 0 ? `${seconds}s` : `${minutes}m${seconds % 60}s`;
};

const valueLines = (workflow: Workflow): string[] => {
  const { status = {} } = workflow;
  const lines: string[] = [];
  const section = (title: string, entries: readonly (readonly [string, string])[]): void => {
    if (entries.length > 0) lines.push(`${title}:`, ...entries.map(([name, value]) => indented(name, value)));
  };
  const parameters = executedSpec(workflow).arguments?.parameters ?? [];
  if (parameters.length > 0) lines.push('Parameters:');
  for (const { name, value } of parameters) if (value !== undefined) lines.push(indented(name, value));
  section(
    'Output Parameters',
    (status.outputs?.parameters ?? []).map(({ name, value }) => [name, value ?? '']),
  );
  section(
    'Output Artifacts',
    (status.outputs?.artifacts ?? []).map(({ name, ...location }) => [name, placeText(location)]),
  );
  return lines;
};

/** Ours is shorter than the Go value that Argo prints here: the driver and the key. */
const placeText = (artifact: Record<string, unknown>): string => {
  for (const [driver, block] of Object.entries(artifact)) {
    const key = typeof block === 'object' && block !== null ? (block as { key?: unknown }).key : undefined;
    if (typeof key === 'string') return `${driver}: ${key}`;
  }
  return '';
};

const treeText = (workflow: Workflow, options: WorkflowTextOptions): string => {
  const lines = drawTrees(treesOf(workflow), options.hides);
  if (lines.length === 0) return '';
  return tableText([columnsOf(options), ...lines.map((line) => (line ? rowOf(workflow, line, options) : []))]);
};

const columnsOf = ({ format }: WorkflowTextOptions): string[] => {
  if (format === 'short') return ['STEP', 'TEMPLATE', 'PODNAME', 'DURATION', 'MESSAGE', 'NODENAME'];
  const columns = ['STEP', 'TEMPLATE', 'PODNAME', 'DURATION'];
  return format === 'wide' ? [...columns, 'ARTIFACTS', 'MESSAGE', 'RESOURCESDURATION', 'NODENAME'] : [...columns, 'MESSAGE'];
};

const rowOf = (
  workflow: Workflow,
  { prefix, node }: { prefix: string; node: NodeStatus },
  options: WorkflowTextOptions,
): string[] => {
  const icon = nodeIcon(node, options);
  const step = ` ${prefix}${icon} ${node.displayName || node.name}`;
  const isPod = node.type === 'Pod';
  const cells = [
    step,
    templateText(node),
    isPod ? podNameOfNode(workflow, node) : '',
    isPod ? durationText(node, options.nowMs) : '',
  ];
  const message = node.message ?? '';
  if (options.format === 'short') return [...cells, message, node.hostNodeName ?? ''];
  if (options.format !== 'wide') return [...cells, message];
  const artifacts = (node.outputs?.artifacts ?? []).map(({ name }) => name).join(',');
  return [
    ...cells,
    artifacts,
    message,
    node.resourcesDuration ? resourcesText(node.resourcesDuration) : '',
    node.hostNodeName ?? '',
  ];
};

const templateText = ({ templateRef, templateName }: NodeStatus): string =>
  templateRef ? `${templateRef.name}/${templateRef.template}` : (templateName ?? '');

const durationText = ({ startedAt, finishedAt }: NodeStatus, nowMs: number): string =>
  startedAt ? shortDuration((finishedAt ? Date.parse(finishedAt) : nowMs) - Date.parse(startedAt)) : '';
