import { createScope, substituteString } from '#libs/expressions';
import type { Template } from '#libs/workflow-spec';
import type { Pass } from '../pass.js';
import { globalScope } from '../scope/globals.js';
import type { TreeNode } from '../state/tree-node.js';
import { ownArchiveKey, repositoryFor } from '../repository/template-repository.js';
import { workflowRepository } from '../repository/workflow-repository.js';

const DEFAULT_KEY_FORMAT = '{{workflow.name}}/{{pod.name}}';

/** Key prefix under which the pod's artifacts and logs lie, from the repository's key format; undefined without a repository. */
export const archiveKeyOf = (pass: Pass, pod: { node: TreeNode; podName: string; template: Template }): string | undefined => {
  if (repositoryFor(pass, pod.template) === undefined) return undefined;
  const format = ownArchiveKey(pod.template) ?? workflowRepository(pass)?.keyFormat ?? DEFAULT_KEY_FORMAT;
  const local = new Map([
    ['pod.name', pod.podName],
    ['node.name', pod.node.status.name],
    ...(pod.template.inputs?.parameters ?? []).flatMap(({ name, value }): [string, string][] =>
      value === undefined ? [] : [[`inputs.parameters.${name}`, value]],
    ),
  ]);
  return substituteString(format, createScope(local, globalScope(pass.state, pass.nowMs)));
};
