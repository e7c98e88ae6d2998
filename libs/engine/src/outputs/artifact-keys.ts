import { createScope, substituteString } from '#libs/expressions';
import type { Template } from '#libs/workflow-spec';
import type { Pass } from '../pass.js';
import { globalScope } from '../scope/globals.js';
import type { TreeNode } from '../state/tree-node.js';

const DEFAULT_KEY_FORMAT = '{{workflow.name}}/{{pod.name}}';

/** Key prefix under which the pod's artifacts and logs lie, from the repository's key format; undefined without a repository. */
export const archiveKeyOf = (pass: Pass, pod: { node: TreeNode; podName: string; template: Template }): string | undefined => {
  const repository = pass.config.artifactRepository;
  if (repository === null) return undefined;
  const own = pod.template.archiveLocation?.s3?.key ?? pod.template.archiveLocation?.filesystem?.key;
  const format = own !== undefined && own !== '' ? own : (repository.keyFormat ?? DEFAULT_KEY_FORMAT);
  const local = new Map([
    ['pod.name', pod.podName],
    ['node.name', pod.node.status.name],
    ...(pod.template.inputs?.parameters ?? []).flatMap(({ name, value }): [string, string][] =>
      value === undefined ? [] : [[`inputs.parameters.${name}`, value]],
    ),
  ]);
  return substituteString(format, createScope(local, globalScope(pass.state, pass.nowMs)));
};
