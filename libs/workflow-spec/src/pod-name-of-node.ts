import { AnnotationName } from './label-names.js';
import type { NodeStatus } from './model/status.js';
import type { Workflow } from './model/workflow.js';
import { podName } from './node-names.js';

/** The name of a node's pod, in the naming that the workflow was begun with. */
export const podNameOfNode = ({ metadata }: Pick<Workflow, 'metadata'>, node: NodeStatus): string =>
  podName(
    {
      workflowName: metadata.name ?? '',
      nodeName: node.name,
      templateName: node.templateRef?.template ?? node.templateName ?? '',
      nodeId: node.id,
    },
    metadata.annotations?.[AnnotationName.podNameFormat] === 'v1' ? 'v1' : 'v2',
  );
