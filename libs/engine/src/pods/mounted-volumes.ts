import { createScope, substituteJson } from '#libs/expressions';
import { NodeType, type Container, type KubernetesObject, type Template } from '#libs/workflow-spec';
import { graphOf } from '../dag/resolve-task.js';
import { ExecutionError } from '../errors.js';
import type { Pass } from '../pass.js';
import { dagOutputScope } from '../scope/dag-scope.js';
import { stepsScope } from '../scope/steps-scope.js';
import type { TreeNode } from '../state/tree-node.js';
import { templateOf } from '../templates/process-template.js';

/** Names of the volumes that the containers of a template mount. */
const mountedNames = (template: Template): string[] => {
  const { container, script, containerSet, sidecars = [], initContainers = [] } = template;
  const members = containerSet?.containers ?? [];
  const containers: (Container | undefined)[] = [container, script, ...members, ...sidecars, ...initContainers];
  const mounts = [...containers.flatMap((each) => each?.volumeMounts ?? []), ...(containerSet?.volumeMounts ?? [])];
  return mounts.map(({ name }) => (typeof name === 'string' ? name : ''));
};

/** Claims that were made for the workflow are volumes of its pods (status.persistentVolumeClaims). */
const claimVolumes = (pass: Pass): KubernetesObject[] =>
  (pass.state.header.status.persistentVolumeClaims ?? []) as KubernetesObject[];

const hasTag = (value: unknown): boolean => JSON.stringify(value).includes('{{');

/** Volumes of the spec may speak of steps and tasks around the pod (Argo's substituteParamsInVolumes). */
const withOutputsAround = (pass: Pass, node: TreeNode, volumes: KubernetesObject[]): KubernetesObject[] => {
  let result = volumes;
  for (
    let at = pass.state.find(node.status.boundaryID);
    at !== undefined && hasTag(result);
    at = pass.state.find(at.status.boundaryID)
  ) {
    const scope =
      at.status.type === NodeType.Steps
        ? stepsScope(pass, at, templateOf(pass, at).steps?.length ?? 0, undefined)
        : dagOutputScope(pass, at, graphOf(pass, at), undefined);
    result = substituteJson(result, createScope(new Map(), scope.variables), { nowMs: pass.nowMs });
  }
  return result;
};

/**
 * The workflow's volumes that a template mounts, claims of the workflow among them; those that the template has itself are left out.
 * Throws ExecutionError for a mount that no volume is for.
 */
export const workflowVolumes = (pass: Pass, node: TreeNode, template: Template): KubernetesObject[] => {
  const mounted = mountedNames(template);
  if (mounted.length === 0) return [];
  const own = new Set((template.volumes ?? []).map(({ name }) => name));
  const general = [...(pass.state.spec.volumes ?? []), ...claimVolumes(pass)];
  for (const name of mounted) {
    if (own.has(name) || general.some((volume) => volume['name'] === name)) continue;
    throw new ExecutionError(`volume '${name}' not found in workflow spec`);
  }
  const wanted = general.filter(({ name }) => typeof name === 'string' && mounted.includes(name) && !own.has(name));
  return hasTag(wanted) ? withOutputsAround(pass, node, wanted) : wanted;
};
