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

export const byKey = (left: PodKey, right: PodKey): number => {
  const leftText = keyText(left);
  const rightText = keyText(right);
  return leftText < rightText ? -1 : leftText > rightText ? 1 : 0;
};
