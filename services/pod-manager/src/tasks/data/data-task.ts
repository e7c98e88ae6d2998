import { evaluateExpression, goJson } from '#libs/expressions';
import type { ArtifactDrivers } from '#libs/artifacts';
import type { PodWork, TaskOrder } from '#libs/pod-spec';
import { artifactDriverKinds, artifactKeyField, relocatedBlock, type Artifact, type ArtifactLocation } from '#libs/workflow-spec';
import { TaskError, type TaskEnd, type TaskRunner } from '../task.js';

type DataOrder = Extract<TaskOrder, { kind: 'data' }>;

/** Most paths that one listing may have; more would be a result that nothing can take. */
const MAX_PATHS = 100_000;

/**
 * Does a data template: lists the paths of an artifact, lets each expression change the list (`data`), and gives the last value as JSON in
 * `outputs.result`. Reads only, so it may be done again.
 */
export const dataTask =
  (drivers: Pick<ArtifactDrivers, 'driverFor'>): TaskRunner<DataOrder> =>
  async ({ order: { data }, manifest: { work }, log }): Promise<TaskEnd> => {
    const source = data.source.artifactPaths;
    if (source === undefined) throw new TaskError('no data source was specified');
    let value: unknown = await pathsOf(source, work, drivers);
    for (const { expression } of data.transformation ?? []) value = evaluateExpression(expression, { data: value });
    const result = goJson(value, '', false);
    log(result);
    return { phase: 'Succeeded', exitCode: 0, outputs: { result } };
  };

const pathsOf = async (artifact: Artifact, work: PodWork, drivers: Pick<ArtifactDrivers, 'driverFor'>): Promise<string[]> => {
  const location = locationOf(artifact, work);
  const driver = drivers.driverFor(location, { namespace: work.workflowNamespace });
  const paths: string[] = [];
  for await (const { key } of driver.list(location)) {
    paths.push(key);
    if (paths.length > MAX_PATHS) throw new TaskError(`artifactPaths has more than ${MAX_PATHS} entries`);
  }
  return paths.sort();
};

/** Where the listing begins: what the artifact does not say comes from the repository; without a key it is the whole store. */
const locationOf = (artifact: Artifact, { repository = {} }: PodWork): ArtifactLocation => {
  const kind = artifactDriverKinds(artifact)[0] ?? artifactDriverKinds(repository)[0];
  if (kind === undefined)
    throw new TaskError(`artifactPaths.${artifact.name} says no place, and no artifact repository is configured`);
  const field = artifactKeyField(kind);
  const lent = relocatedBlock(kind, {}, repository)[kind];
  return { [kind]: { ...(field === undefined ? {} : { [field]: '' }), ...lent, ...artifact[kind] } };
};
