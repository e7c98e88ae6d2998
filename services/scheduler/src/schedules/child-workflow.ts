import { createHash } from 'node:crypto';
import { formatTime, type ObjectMeta, type Workflow, workflowFromCron, type CronWorkflow } from '#libs/workflow-spec';

/** The same uid for the same tick of the same CronWorkflow, whoever makes it. */
const uidOf = (cronUid: string, tickMs: number): string => {
  const hex = createHash('sha256').update(`cron\0${cronUid}\0${tickMs}`, 'utf8').digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-5${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
};

/** The run of a tick: named after the CronWorkflow and the tick's seconds since 1970, with Argo's labels, annotation and owner. */
export const childWorkflow = (
  cron: CronWorkflow,
  tickMs: number,
  nowMs: number,
): Workflow & { metadata: ObjectMeta & { name: string; namespace: string; uid: string } } => {
  const { metadata, ...workflow } = workflowFromCron(cron, tickMs);
  const { generateName: _generateName, ...given } = metadata;
  const { name = '', namespace = '', uid = '' } = cron.metadata;
  return {
    ...workflow,
    metadata: {
      ...given,
      name: `${name}-${Math.floor(tickMs / 1000)}`,
      namespace,
      uid: uidOf(uid, tickMs),
      generation: 1,
      creationTimestamp: formatTime(nowMs),
    },
  };
};
