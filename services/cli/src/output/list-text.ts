import type { Workflow } from '#libs/workflow-spec';
import { shortDuration } from './ages.js';
import { type TextStyle, workflowPhaseText } from './icons.js';
import { tableText } from './table.js';

export interface ListTextOptions extends TextStyle {
  nowMs: number;
  /** A first column with the namespace. */
  namespaces: boolean;
  wide: boolean;
  headers: boolean;
}

/** What `argo list` prints: one line per workflow, newest first as given. */
export const listText = (workflows: readonly Workflow[], options: ListTextOptions): string => {
  if (workflows.length === 0) return 'No workflows found';
  const header = [
    ...(options.namespaces ? ['NAMESPACE'] : []),
    ...['NAME', 'STATUS', 'AGE', 'DURATION', 'PRIORITY', 'MESSAGE'],
    ...(options.wide ? ['P/R/C', 'PARAMETERS'] : []),
  ];
  const rows = workflows.map((workflow) => rowOf(workflow, options));
  return tableText(options.headers ? [header, ...rows] : rows);
};

const rowOf = (workflow: Workflow, options: ListTextOptions): string[] => {
  const { metadata, spec, status = {} } = workflow;
  const { startedAt, finishedAt } = status;
  const age = metadata.creationTimestamp ? shortDuration(options.nowMs - Date.parse(metadata.creationTimestamp)) : '';
  const duration = startedAt
    ? shortDuration((finishedAt ? Date.parse(finishedAt) : options.nowMs) - Date.parse(startedAt))
    : '0s';
  return [
    ...(options.namespaces ? [metadata.namespace ?? ''] : []),
    metadata.name ?? '',
    spec.suspend && status.phase === 'Running' ? 'Running (Suspended)' : workflowPhaseText(status.phase, options),
    age,
    duration,
    String(spec.priority ?? 0),
    status.message ?? '',
    ...(options.wide ? [podCounts(workflow), parametersText(workflow)] : []),
  ];
};

/** Pods pending, running and completed. */
const podCounts = ({ status }: Workflow): string => {
  const counts = { pending: 0, running: 0, completed: 0 };
  for (const node of Object.values(status?.nodes ?? {})) {
    if (node.type !== 'Pod') continue;
    if (node.phase === 'Pending') counts.pending += 1;
    else if (node.phase === 'Running') counts.running += 1;
    else counts.completed += 1;
  }
  return `${counts.pending}/${counts.running}/${counts.completed}`;
};

const parametersText = ({ spec }: Workflow): string =>
  (spec.arguments?.parameters ?? []).map(({ name, value }) => `${name}=${value ?? ''}`).join(',');
