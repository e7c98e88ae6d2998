import {
  type Container,
  type EnvVar,
  formatTime,
  type JsonValue,
  type KubernetesObject,
  type Template,
  UserError,
} from '#libs/workflow-spec';

import type { BuildPodInput } from './contract.js';

/** Where a script's source stands inside the container; it is the last argument of the script's command. */
export const SCRIPT_PATH = '/argo/staging/script';
/** Name of the container that runs the user's program. */
export const MAIN_CONTAINER = 'main';

const NO_DEADLINE = '0001-01-01T00:00:00Z';

/** The container `main` of the pod: the template's container or script, and Argo's environment behind the user's own variables. */
export function mainContainer(input: BuildPodInput): KubernetesObject {
  const { container, script } = podTemplateOf(input.order.template);
  const written = script ?? container;
  const { source, ...fields } = written as Container & { source?: string };
  // Without a source there is no file to run: the script is a container that is spelt otherwise.
  const args = source === undefined || source === '' ? fields.args : [...(fields.args ?? []), SCRIPT_PATH];
  return {
    ...withoutUndefined(fields),
    name: MAIN_CONTAINER,
    ...(args === undefined || args.length === 0 ? {} : { args }),
    env: [...(fields.env ?? []), ...argoEnvironment(input)] as unknown as KubernetesObject[],
  };
}

function podTemplateOf(template: Template): Pick<Template, 'container' | 'script'> {
  if (template.container === undefined && template.script === undefined) {
    throw new UserError(`template ${template.name ?? ''}: only container and script templates are made into pods`);
  }
  return template;
}

function argoEnvironment({ order, workflow }: BuildPodInput): EnvVar[] {
  return [
    { name: 'ARGO_CONTAINER_NAME', value: MAIN_CONTAINER },
    { name: 'ARGO_NODE_ID', value: order.nodeId },
    { name: 'ARGO_INCLUDE_SCRIPT_OUTPUT', value: String(order.captureResult) },
    { name: 'ARGO_DEADLINE', value: order.deadlineMs === undefined ? NO_DEADLINE : formatTime(order.deadlineMs) },
    { name: 'ARGO_WORKFLOW_NAME', value: workflow.name },
    { name: 'ARGO_PROGRESS_FILE', value: '/var/run/argo/progress' },
    { name: 'ARGO_PROGRESS_PATCH_TICK_DURATION', value: '1m0s' },
    { name: 'ARGO_PROGRESS_FILE_TICK_DURATION', value: '3s' },
  ];
}

function isGiven(entry: [string, JsonValue | undefined]): entry is [string, JsonValue] {
  return entry[1] !== undefined;
}

function withoutUndefined(fields: object): KubernetesObject {
  return Object.fromEntries(Object.entries<JsonValue | undefined>(fields as KubernetesObject).filter(isGiven));
}
