import {
  templateTypeOf,
  type DataTemplate,
  type ExecutorPlugin,
  type HttpTemplate,
  type ResourceTemplate,
  type Template,
  type WorkflowPodFields,
} from '#libs/workflow-spec';

import type { BuildPodInput } from './contract.js';

/**
 * Work that no container of the user's does: it stands in the place of containers in a pod's row, under the same identity, and is done by
 * whoever claims the row. Every tag is resolved; Secrets are named here and read when the work is done.
 */
export type TaskOrder =
  | { kind: 'http'; http: HttpTemplate }
  /** With the rights of the account (absent: `default`), as Argo's pod for it has them; they count on a cluster alone. */
  | { kind: 'resource'; resource: ResourceTemplate; serviceAccountName?: string }
  | { kind: 'data'; data: DataTemplate }
  /** `template` is what the plugin is told; `plugins` are those of the workflow itself, which stand for all others where there are any. */
  | { kind: 'plugin'; template: Template; plugins?: ExecutorPlugin[] };

/** The task of a template that is one; undefined for templates that run as containers. */
export function taskOrderOf({ order: { template, podFields, executorPlugins } }: BuildPodInput): TaskOrder | undefined {
  const { http, resource, data } = template;
  const type = templateTypeOf(template);
  if (type === 'http' && http !== undefined) return { kind: 'http', http };
  if (type === 'resource' && resource !== undefined) {
    const account = accountOf(template, podFields);
    return { kind: 'resource', resource, ...(account === undefined ? {} : { serviceAccountName: account }) };
  }
  if (type === 'data' && data !== undefined) return { kind: 'data', data };
  if (type !== 'plugin') return undefined;
  return { kind: 'plugin', template, ...(executorPlugins === undefined ? {} : { plugins: executorPlugins }) };
}

/** Its one container is the executor's: `executor.serviceAccountName` goes before the pod's. */
function accountOf(template: Template, workflow: WorkflowPodFields = {}): string | undefined {
  const { executor = workflow.executor, serviceAccountName = workflow.serviceAccountName } = template;
  return executor?.serviceAccountName || serviceAccountName || undefined;
}
