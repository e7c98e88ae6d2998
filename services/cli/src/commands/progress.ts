import { once } from 'node:events';
import type { Workflow, WorkflowPhase } from '#libs/workflow-spec';
import type { WorkflowsApi } from '../client/workflows-api.js';
import type { NodeFilter } from '../output/tree.js';
import { podNameText } from '../output/icons.js';
import { workflowText } from '../output/workflow-text.js';
import { type CommandContext, ExitCodeError } from './context.js';

/** How a workflow is shown. */
export interface ViewOptions {
  /** `wide` has columns more. */
  format?: 'default' | 'wide';
  hides?: NodeFilter;
}
const showAll = (): boolean => false;

/** The whole view of a workflow, as `argo get` gives it. */
export const viewOf = (workflow: Workflow, { style }: CommandContext, options: ViewOptions = {}): string =>
  workflowText(workflow, { ...style, nowMs: Date.now(), format: 'default', hides: showAll, ...options });

const CLEAR_SCREEN = '\u001b[H\u001b[2J';

/** Draws the workflow anew at every change, until it has finished. */
export const watchWorkflow = async (
  api: WorkflowsApi,
  name: string,
  { context, view: options = {} }: { context: CommandContext; view?: ViewOptions },
): Promise<WorkflowPhase | undefined> => {
  let phase: WorkflowPhase | undefined;
  let last = '';
  for await (const workflow of api.follow(name)) {
    phase = workflow.status?.phase;
    const view = viewOf(workflow, context, options);
    if (process.stdout.isTTY) context.out(CLEAR_SCREEN + view);
    else if (view !== last) context.out(`${view}\n`);
    last = view;
  }
  return phase;
};

/** Waits for the end without drawing; says when and how, as `argo wait` does. */
export const waitForWorkflow = async (
  api: WorkflowsApi,
  name: string,
  context: CommandContext,
): Promise<WorkflowPhase | undefined> => {
  let last: Workflow | undefined;
  for await (const workflow of api.follow(name)) last = workflow;
  const { phase, finishedAt } = last?.status ?? {};
  context.out(`${last?.metadata.name ?? name} ${phase ?? 'deleted'} at ${finishedAt ?? 'an unknown time'}`);
  return phase;
};

/** Prints log lines as `pod: line` until the logs end; each pod has a colour of its own. */
export const printLogs = async (
  api: WorkflowsApi,
  name: string,
  query: Record<string, string | number | boolean | undefined>,
  context: CommandContext,
): Promise<void> => {
  for await (const { podName, content = '' } of api.logs(name, query)) {
    context.out(`${podName ? `${podNameText(podName, context.style)}: ` : ''}${content}\n`);
    // A slow reader of this program's output is waited for, so that a log of any size passes through.
    if (process.stdout.writableNeedDrain) await once(process.stdout, 'drain');
  }
};

/** Argo's rule for the exit code of a command that waited. */
export const assertSucceeded = (phases: readonly (WorkflowPhase | undefined)[]): void => {
  if (phases.some((phase) => phase !== 'Succeeded')) throw new ExitCodeError(1);
};
