import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { ArtifactTransfer } from '#libs/artifacts';
import { artifactDriverKinds, relocatedBlock } from '#libs/workflow-spec';
import { TaskError, type TaskRun } from '../task.js';

const MAX_MANIFEST_BYTES = 2 * 1024 * 1024;

/** The text of an input artifact that is one file, unpacked where it was packed. Throws TaskError where it is none. */
export const readArtifactText = async (
  transfer: Pick<ArtifactTransfer, 'load'>,
  { manifest: { work } }: TaskRun,
  name: string,
): Promise<string> => {
  const artifact = work.inputArtifacts.find((input) => input.name === name);
  const kind = artifact === undefined ? undefined : artifactDriverKinds(artifact)[0];
  if (artifact === undefined || kind === undefined) throw new TaskError(`required artifact '${name}' not supplied`);
  const folder = await mkdtemp(path.join(tmpdir(), 'argosy-manifest-'));
  try {
    const hostPath = path.join(folder, 'manifest');
    const outcome = await transfer.load({
      location: relocatedBlock(kind, artifact[kind] ?? {}, work.repository),
      namespace: work.workflowNamespace,
      hostPath,
      ...(artifact.archive === undefined ? {} : { archive: artifact.archive }),
    });
    const found = outcome === 'missing' ? undefined : await stat(hostPath);
    if (found === undefined) throw new TaskError(`artifact ${name} failed to load: the object does not exist`);
    if (!found.isFile() || found.size > MAX_MANIFEST_BYTES)
      throw new TaskError(`artifact ${name} is no file of at most ${MAX_MANIFEST_BYTES} bytes`);
    return await readFile(hostPath, 'utf8');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};
