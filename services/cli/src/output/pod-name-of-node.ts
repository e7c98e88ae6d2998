import { AnnotationName, type NodeStatus, podName, type Workflow } from '#libs/workflow-spec';

/** The name of a node's pod, in the naming that the workflow was begun with. */
export const podNameOfNode = ({ metadata }: Workflow, node: NodeStatus): string =>
  podName(
    {
      workflowName: metadata.name ?? '',
      nodeName: node.name,
      templateName: node.templateRef?.template ?? node.templateName ?? '',
      nodeId: node.id,
    },
    metadata.annotations?.[AnnotationName.podNameFormat] === 'v1' ? 'v1' : 'v2',
  );
