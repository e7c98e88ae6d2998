import { Readable } from 'node:stream';
import type { ArtifactTransfer } from '#libs/artifacts';
import type { PodManifest } from '#libs/pod-spec';
import { artifactDriverKinds, artifactKeyField, relocatedBlock, type Artifact } from '#libs/workflow-spec';

/** Tasks that Argo does in a pod of their own, which has a log. */
const LOGGED_KINDS: ReadonlySet<string> = new Set(['resource', 'data']);

/**
 * Saves the log of an ended task where logs are archived, under the key that the log of a pod would have; gives the artifact that says
 * where. Repeated, it overwrites. TransientError where the store is away.
 */
export const keepLog = async (
  transfer: Pick<ArtifactTransfer, 'saveBytes'>,
  { work }: PodManifest,
  text: string,
): Promise<Artifact[]> => {
  const kind = artifactDriverKinds(work.repository ?? {})[0];
  const field = kind === undefined ? undefined : artifactKeyField(kind);
  const isKept = work.archiveLogs && LOGGED_KINDS.has(work.task?.kind ?? '');
  if (!isKept || kind === undefined || field === undefined || work.archiveKey === undefined) return [];
  const block = { [field]: `${work.archiveKey}/main.log` };
  await transfer.saveBytes({
    location: relocatedBlock(kind, block, work.repository),
    namespace: work.workflowNamespace,
    body: Readable.from([text], { objectMode: false }),
    metadata: { 'workflow-uid': work.workflowUid, 'node-id': work.nodeId },
  });
  return [{ name: 'main-logs', [kind]: block }];
};
