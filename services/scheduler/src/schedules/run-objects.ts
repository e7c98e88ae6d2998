import { ResourceExistsError, type WorkflowObjects } from '#libs/resources';
import type { Workflow } from '#libs/workflow-spec';

const ownerOf = ({ metadata }: Workflow): string | undefined =>
  (metadata.ownerReferences as { uid?: string }[] | undefined)?.find(({ uid }) => uid !== undefined)?.uid;

/**
 * The object of a tick's run on a cluster, made or found: its name says which tick it is of. Undefined where another workflow has that
 * name. It is made before the tick is committed: dying in between, intake takes it in, and the tick meets it again.
 */
export const runObject = async (
  objects: Pick<WorkflowObjects, 'create' | 'find'>,
  run: Workflow,
): Promise<Workflow | undefined> => {
  try {
    return await objects.create(run);
  } catch (error) {
    if (!(error instanceof ResourceExistsError)) throw error;
    const { namespace = '', name = '' } = run.metadata;
    const found = (await objects.find(namespace, name))?.workflow;
    return found !== undefined && ownerOf(found) === ownerOf(run) ? found : undefined;
  }
};
