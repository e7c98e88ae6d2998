import { type Container, type EnvVar, formatTime, type KubernetesObject, type Template, UserError } from '#libs/workflow-spec';

import type { BuildPodInput } from './contract.js';
import { withoutUndefined } from './present-fields.js';
import { PROGRESS_FILE } from './progress.js';

/** Where a script's source stands inside the container; it is the last argument of the script's command. */
export const SCRIPT_PATH = '/argo/staging/script';
/** Name of the container that runs the user's program. */
export const MAIN_CONTAINER = 'main';

const NO_DEADLINE = '0001-01-01T00:00:00Z';

/** A container of the user's as the template has it; a set's has `dependencies` as well. */
export type UserContainer = Container & { source?: string; mirrorVolumeMounts?: boolean; dependencies?: string[] };

/** Containers whose end decides the pod: `main` of a container or script, or those of a set in their order. Throws UserError for other templates. */
export function mainContainersOf(template: Template): UserContainer[] {
  const { container, script, containerSet } = template;
  if (containerSet !== undefined) {
    const shared = containerSet.volumeMounts ?? [];
    return (containerSet.containers ?? []).map((member) => ({
      ...member,
      ...(shared.length === 0 ? {} : { volumeMounts: [...(member.volumeMounts ?? []), ...shared] }),
    }));
  }
  const written = container ?? script;
  if (written === undefined) {
    throw new UserError(`template ${template.name ?? ''}: only container, script and containerSet templates are made into pods`);
  }
  return [{ ...written, name: MAIN_CONTAINER }];
}

/** Containers beside or before them, with the mounts of the template's own program where they mirror them. */
export function otherContainers(template: Template, field: 'sidecars' | 'initContainers'): UserContainer[] {
  const mirrored = template.container?.volumeMounts ?? template.script?.volumeMounts ?? template.containerSet?.volumeMounts ?? [];
  return (template[field] ?? []).map((container) => {
    if (container.mirrorVolumeMounts !== true) return container;
    const own = container.volumeMounts ?? [];
    const taken = new Set(own.map((mount) => mount['mountPath']));
    return { ...container, volumeMounts: [...own, ...mirrored.filter((mount) => !taken.has(mount['mountPath']))] };
  });
}

/** A container as the pod has it: Argo's environment behind the user's own variables, a script's file as the last argument. */
export function podContainer(input: BuildPodInput, container: UserContainer): KubernetesObject {
  const { source, mirrorVolumeMounts: _mirrors, dependencies: _graph, ...fields } = container;
  // Without a source there is no file to run: the script is a container that is spelt otherwise.
  const args = source === undefined || source === '' ? fields.args : [...(fields.args ?? []), SCRIPT_PATH];
  const own = fields.env ?? [];
  return {
    ...withoutUndefined(fields),
    ...(args === undefined || args.length === 0 ? {} : { args }),
    env: [...own, ...argoEnvironment(input, fields.name ?? MAIN_CONTAINER, own)] as unknown as KubernetesObject[],
  };
}

const PROGRESS_TICKS: readonly EnvVar[] = [
  { name: 'ARGO_PROGRESS_PATCH_TICK_DURATION', value: '1m0s' },
  { name: 'ARGO_PROGRESS_FILE_TICK_DURATION', value: '3s' },
];

/** Variables that Argo gives every container. How often progress is looked for may be said by the container's own. */
function argoEnvironment({ order, workflow }: BuildPodInput, containerName: string, own: readonly EnvVar[]): EnvVar[] {
  return [
    { name: 'ARGO_CONTAINER_NAME', value: containerName },
    { name: 'ARGO_NODE_ID', value: order.nodeId },
    { name: 'ARGO_INCLUDE_SCRIPT_OUTPUT', value: String(order.captureResult) },
    { name: 'ARGO_DEADLINE', value: order.deadlineMs === undefined ? NO_DEADLINE : formatTime(order.deadlineMs) },
    { name: 'ARGO_WORKFLOW_NAME', value: workflow.name },
    { name: 'ARGO_PROGRESS_FILE', value: PROGRESS_FILE },
    ...PROGRESS_TICKS.filter(({ name }) => !own.some((variable) => variable.name === name)),
  ];
}
