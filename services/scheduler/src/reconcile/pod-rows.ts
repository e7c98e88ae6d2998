import type { Command, PodOrder, SubmittedWorkflow } from '#libs/engine';
import { POD_BUCKETS } from '#libs/jobs';
import { claimRow, podOrRefusal, type PodManifest } from '#libs/pod-spec';
import { fnv1a32 } from '#libs/workflow-spec';

/** A desired pod as the `pods` table takes it. */
interface DesiredPod {
  nodeId: string;
  incarnation: number;
  podName: string;
  bucket: number;
  manifest: PodManifest;
}

/** A change of what is wanted of a pod that was ordered before. */
interface DesiredChange {
  nodeId: string;
  incarnation: number;
  desired: 'terminate' | 'delete';
  delayMs?: number;
}

export interface PodChanges {
  inserts: DesiredPod[];
  changes: DesiredChange[];
}

/** All pods of a node share a bucket, whatever their incarnation: one handler at a time looks at them. */
export const bucketOf = (nodeId: string): number => fnv1a32(nodeId) % POD_BUCKETS;

export interface PodRowsContext {
  workflow: SubmittedWorkflow;
  instanceId?: string | undefined;
}

const identityOf = ({ metadata: { name = '', namespace = '', uid = '' } }: SubmittedWorkflow) => ({ name, namespace, uid });

const manifestOf = (order: PodOrder, { workflow, instanceId }: PodRowsContext): PodManifest =>
  podOrRefusal({
    order,
    workflow: identityOf(workflow),
    archiveLogs: order.archiveLogs ?? false,
    ...(instanceId === undefined ? {} : { instanceId }),
  });

/** Turns the engine's commands into rows. Pods are built here, once, so that every runtime plays the same object. */
export const podChangesOf = (commands: readonly Command[], context: PodRowsContext): PodChanges => {
  const result: PodChanges = { inserts: [], changes: [] };
  for (const command of commands) {
    switch (command.type) {
      case 'runPod': {
        const { nodeId, incarnation, podName } = command.order;
        result.inserts.push({
          nodeId,
          incarnation,
          podName,
          bucket: bucketOf(nodeId),
          manifest: manifestOf(command.order, context),
        });
        break;
      }
      case 'createClaim': {
        const { orderId, incarnation, claimName } = command;
        const manifest = claimRow(identityOf(context.workflow), command);
        result.inserts.push({ nodeId: orderId, incarnation, podName: claimName, bucket: bucketOf(orderId), manifest });
        break;
      }
      case 'stopPod':
        result.changes.push({ nodeId: command.nodeId, incarnation: command.incarnation, desired: 'terminate' });
        break;
      case 'deletePod':
        result.changes.push({
          nodeId: command.nodeId,
          incarnation: command.incarnation,
          desired: 'delete',
          ...(command.delayMs === undefined ? {} : { delayMs: command.delayMs }),
        });
        break;
      default:
        // What concerns no pod has an owner of its own.
        break;
    }
  }
  return result;
};
