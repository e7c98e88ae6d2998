import { createBoundedScope, createScope, type Scope } from '#libs/expressions';
import { anyString, AnnotationName, isFailedOrErrorPhase, podName, type Parameter } from '#libs/workflow-spec';
import type { WorkflowState } from '../state/workflow-state.js';
import { withEdits, writtenMetadataOf } from '../workflow/written-metadata.js';
import { creationTimeVariables } from './creation-time.js';

const parameterVariables = (parameters: readonly Parameter[]): [string, string][] => [
  ...parameters.flatMap((parameter): [string, string][] => {
    const value = parameter.value ?? parameter.default;
    return value === undefined ? [] : [[`workflow.parameters.${parameter.name}`, anyString(value)]];
  }),
  ['workflow.parameters', JSON.stringify(parameters)],
  ['workflow.parameters.json', JSON.stringify(parameters)],
];

const mapVariables = (prefix: string, entries: Readonly<Record<string, string>>): [string, string][] => [
  [prefix, JSON.stringify(entries)],
  [`${prefix}.json`, JSON.stringify(entries)],
  ...Object.entries(entries).map(([key, value]): [string, string] => [`${prefix}.${key}`, value]),
];

/** Variables that stay the same for the whole run, apart from `workflow.status` and the outputs that come later (Argo's setGlobalParameters). */
const constantGlobals = (state: WorkflowState): Map<string, string> => {
  const { metadata } = state.submitted;
  const { spec } = state;
  const { edited } = state.header;
  const annotations = { ...writtenMetadataOf(state.submitted, state.header).annotations, ...state.header.annotations };
  const added = state.header.internal['metadata'] as
    { labels?: Record<string, string>; annotations?: Record<string, string> } | undefined;
  const labels = withEdits({ ...metadata.labels, ...added?.labels }, edited?.labels);
  const scheduledTime = annotations[AnnotationName.scheduledTime];
  return new Map<string, string>([
    ['workflow.name', state.name],
    ['workflow.namespace', state.namespace],
    ['workflow.mainEntrypoint', spec.entrypoint ?? ''],
    ['workflow.serviceAccountName', spec.serviceAccountName ?? ''],
    ['workflow.uid', metadata.uid ?? ''],
    ...(spec.priority === undefined ? [] : [['workflow.priority', String(spec.priority)] as const]),
    ...(scheduledTime === undefined ? [] : [['workflow.scheduledTime', scheduledTime] as const]),
    ...creationTimeVariables(metadata.creationTimestamp ?? undefined),
    ...parameterVariables(spec.arguments?.parameters ?? []),
    ...mapVariables('workflow.labels', labels),
    ...mapVariables('workflow.annotations', withEdits({ ...metadata.annotations, ...added?.annotations }, edited?.annotations)),
  ]);
};

const failuresJson = (state: WorkflowState): string => {
  const failures = [...state.nodes.values()]
    .filter((node) => isFailedOrErrorPhase(node.status.phase))
    .map(({ id, status }) => ({
      displayName: status.displayName ?? '',
      message: status.message ?? '',
      templateName: status.templateName ?? '',
      phase: status.phase ?? '',
      podName: podName({ workflowName: state.name, nodeName: status.name, templateName: status.templateName ?? '', nodeId: id }),
      finishedAt: status.finishedAt ?? null,
    }));
  return JSON.stringify(failures.length === 0 ? 'null' : JSON.stringify(failures));
};

/** Variables that exist once the entry template has ended: for exit handlers. */
const endVariables = (state: WorkflowState): [string, string][] => {
  const final = state.header.internal['finalPhase'];
  return typeof final === 'string' ? [['workflow.failures', state.derived.of('', 'failures', () => failuresJson(state))]] : [];
};

/**
 * All `workflow.*` variables as they are now: a small layer of what changes over one that is made once. Under the controller's `workflowRestrictions`
 * a value fills in its tag and nothing else: it cannot swallow what stands behind it.
 */
export const globalScope = (state: WorkflowState, nowMs: number): Scope => {
  const constant = state.derived.of('', 'globals', () => createScope(constantGlobals(state)));
  const { status, internal } = state.header;
  const changing = new Map<string, string>();
  for (const parameter of status.outputs?.parameters ?? []) {
    if (parameter.value !== undefined) changing.set(`workflow.outputs.parameters.${parameter.name}`, parameter.value);
  }
  const final = internal['finalPhase'];
  changing.set('workflow.status', typeof final === 'string' ? final : (status.phase ?? ''));
  changing.set('workflow.duration', ((nowMs - Number(internal['startedAtMs'] ?? nowMs)) / 1000).toFixed(6));
  for (const [name, value] of endVariables(state)) changing.set(name, value);
  return state.config.templateReferencing === undefined
    ? createScope(changing, constant)
    : createBoundedScope(changing, constant);
};
