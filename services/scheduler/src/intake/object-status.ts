import { z } from 'zod';
import type { FoundStatus } from '#libs/engine';
import type { WorkflowObject } from '#libs/resources';
import { isFinishedWorkflowPhase, LabelName, NodeType } from '#libs/workflow-spec';

/** Nodes as they stand in an object that anybody may have written. */
type Nodes = Readonly<Record<string, unknown>>;

const suspendedNode = z.object({
  id: z.string(),
  type: z.literal(NodeType.Suspend),
  phase: z.string().default(''),
  message: z.string().optional(),
  outputs: z.object({ parameters: z.array(z.object({ name: z.string(), value: z.string().optional() })).nullish() }).nullish(),
});

const valuesOf = (parameters: readonly { name: string; value?: string | undefined }[] | null = []): Record<string, string> =>
  Object.fromEntries((parameters ?? []).flatMap(({ name, value }) => (value === undefined ? [] : [[name, String(value)]])));

const suspensionsOf = (nodes: Nodes): FoundStatus['suspensions'] =>
  Object.values(nodes).flatMap((node) => {
    const parsed = suspendedNode.safeParse(node);
    if (!parsed.success) return [];
    const { id, phase, message, outputs } = parsed.data;
    return [{ id, phase, ...(message === undefined ? {} : { message }), outputs: valuesOf(outputs?.parameters) }];
  });

/** Whether an object shows a workflow that has ended as one that goes on: Argo's `retry` leaves it so. */
export const isReopened = ({ workflow: { metadata, status } }: WorkflowObject): boolean =>
  metadata.labels?.[LabelName.completed] !== 'true' && !isFinishedWorkflowPhase(status?.phase);

/** What of a status that somebody else has written can ask for something; nodes that cannot be read ask for nothing. `hasEnded`: by its rows. */
export const foundStatusOf = (object: WorkflowObject, nodes: Nodes, hasEnded: boolean): FoundStatus => {
  const suspensions = suspensionsOf(nodes);
  if (!hasEnded || !isReopened(object) || Object.keys(nodes).length === 0) return { suspensions };
  const parameters = valuesOf(object.workflow.spec.arguments?.parameters);
  return { suspensions, reopened: { nodeIds: Object.keys(nodes), parameters } };
};

/** The same for the same change of an object, however often it is seen. */
export const restateIdOf = ({ key, resourceVersion }: WorkflowObject): string =>
  ['object', key.uid, 'restate', resourceVersion].join('/');
