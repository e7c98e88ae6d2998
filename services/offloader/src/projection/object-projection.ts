import { controlsOf, type WorkflowObjects } from '#libs/resources';
import type { EncodedRecord, LoadedState } from '#libs/store';
import { LabelName, type Workflow } from '#libs/workflow-spec';

/** The status part of a record, whose nodes may be large: it is taken out of the text that was made already. */
const statusOf = ({ body }: EncodedRecord): object => (JSON.parse(body) as { status?: object }).status ?? {};

/**
 * Writes the record of a workflow to its object on the cluster. `gone` where it has none (any more): intake sees to what that means.
 * A status that shows a newer version of our rows is left as it is.
 */
export const projectToObject = (
  objects: Pick<WorkflowObjects, 'project'>,
  { submitted, header, archiving, visibleVersion }: LoadedState,
  { workflow, record, installation }: { workflow: Workflow; record: EncodedRecord; installation: string | undefined },
): Promise<'written' | 'newer' | 'gone'> => {
  const { uid = '', namespace = '', name = '' } = workflow.metadata;
  return objects.project({
    key: { uid, namespace, name },
    ...(installation === undefined ? {} : { installation }),
    version: visibleVersion,
    labels: { ...header?.labels, ...(archiving === null ? {} : { [LabelName.archivingStatus]: archiving }) },
    annotations: { ...header?.annotations },
    status: statusOf(record),
    controls: controlsOf(workflow.spec),
    submittedControls: controlsOf(submitted.spec),
  });
};
