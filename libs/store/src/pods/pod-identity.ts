/** Who a pod is, whatever its name. */
export interface PodKey {
  workflowUid: string;
  nodeId: string;
  incarnation: number;
}

/** The identity as three columns for `unnest`, always in the same order so that concurrent batches lock rows in one order. */
export function keyColumns(keys: readonly PodKey[]): [string[], string[], number[]] {
  return [
    keys.map(({ workflowUid }) => workflowUid),
    keys.map(({ nodeId }) => nodeId),
    keys.map(({ incarnation }) => incarnation),
  ];
}

export const keyText = ({ workflowUid, nodeId, incarnation }: PodKey): string => `${workflowUid}/${nodeId}/${incarnation}`;

/** The order in which everybody locks rows of pods: Postgres' collation "C", column by column. */
export const byKey = (left: PodKey, right: PodKey): number =>
  compare(left.workflowUid, right.workflowUid) || compare(left.nodeId, right.nodeId) || left.incarnation - right.incarnation;

const compare = (left: string, right: string): number => (left < right ? -1 : left > right ? 1 : 0);
