import type { NodeStatus, Workflow } from '#libs/workflow-spec';
import type { NodeRow, SubmittedWorkflow, WorkflowHeader } from '../contract.js';
import { ownSpecOf } from '../workflow/controller-defaults.js';
import { writtenMetadataOf } from '../workflow/written-metadata.js';
import { containerSums } from './container-sums.js';
import { shownStatus } from './shown-group.js';

/** `status.nodes` of rows: children from parents, in the order of creation, and progress of the nodes that only hold others. */
export const renderNodes = (rows: readonly NodeRow[]): Record<string, NodeStatus> => {
  const ordered = [...rows].sort((left, right) => left.ordinal - right.ordinal);
  const children = new Map<string, string[]>();
  for (const row of ordered) {
    for (const parent of row.parents) {
      const known = children.get(parent);
      if (known === undefined) children.set(parent, [row.id]);
      else known.push(row.id);
    }
  }
  const sums = containerSums(ordered, children);
  const nodes: Record<string, NodeStatus> = {};
  for (const row of ordered) {
    const { id } = row;
    const own = children.get(id);
    nodes[id] = { ...shownStatus(row), ...sums.get(id), ...(own === undefined ? {} : { children: own }) };
  }
  return nodes;
};

const renderMetadata = (submitted: SubmittedWorkflow, header: WorkflowHeader | undefined): Workflow['metadata'] => {
  const { labels, annotations } = writtenMetadataOf(submitted, header);
  return {
    ...submitted.metadata,
    labels: { ...labels, ...header?.labels },
    annotations: { ...annotations, ...header?.annotations },
  };
};

/** The Workflow object as Argo's API shows it, of the submitted object and the stored rows. */
export const renderWorkflow = (
  submitted: SubmittedWorkflow,
  header: WorkflowHeader | undefined,
  rows: readonly NodeRow[],
): Workflow => ({
  apiVersion: 'argoproj.io/v1alpha1',
  kind: 'Workflow',
  metadata: renderMetadata(submitted, header),
  spec: {
    ...ownSpecOf(submitted, header),
    ...(header?.suspend === undefined ? {} : { suspend: header.suspend }),
    ...(header?.shutdown === undefined ? {} : { shutdown: header.shutdown }),
  },
  status: { ...header?.status, ...(rows.length === 0 ? {} : { nodes: renderNodes(rows) }) },
});
