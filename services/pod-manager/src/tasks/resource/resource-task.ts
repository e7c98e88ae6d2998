import { setTimeout as sleep } from 'node:timers/promises';
import type { TaskOrder } from '#libs/pod-spec';
import type { Resource } from '#libs/resources';
import { API_VERSION, Kind, type Outputs } from '#libs/workflow-spec';
import type { TaskEnd, TaskRun, TaskRunner } from '../task.js';
import { verdictOf } from './conditions.js';
import { asKubectlError, ConditionError, KubectlError } from './kubectl-error.js';
import { Kubectl, type FoundObject, type KubectlOptions } from './kubectl.js';
import { authorOf, type ObjectAccess } from './object-access.js';
import { objectLabel, type KindSource, type ObjectKind } from './object-kinds.js';
import { readOutputs } from './resource-outputs.js';

type ResourceOrder = Extract<TaskOrder, { kind: 'resource' }>;
type ResourceRun = TaskRun<ResourceOrder>;

/** The objects that one task may act on. */
export interface TaskObjects {
  kinds: KindSource;
  accessTo: (kind: ObjectKind) => ObjectAccess;
}

export interface ResourceTaskParts {
  /** Throws TaskError where the task may act on none. */
  objectsFor: (run: ResourceRun) => Promise<TaskObjects>;
  /** The text of an input artifact. */
  readArtifact: (run: ResourceRun, name: string) => Promise<string>;
}

const FIRST_LOOK_MS = 100;
const LONGEST_PAUSE_MS = 5_000;

/** What a failed program of the step leaves, as for any pod. */
const failed = (message: string): TaskEnd => ({
  phase: 'Failed',
  exitCode: 64,
  message: `main: Error (exit code 64): ${message}`,
});

/** Does a resource template: the action, the wait for its conditions, the outputs. Done again after a crash it finds what it has made. */
export const resourceTask =
  (parts: ResourceTaskParts): TaskRunner<ResourceOrder> =>
  async (run): Promise<TaskEnd> => {
    try {
      const outputs = await act(run, parts);
      return { phase: 'Succeeded', exitCode: 0, ...(outputs === undefined ? {} : { outputs }) };
    } catch (error) {
      if (error instanceof KubectlError) run.log(error.message);
      if (error instanceof KubectlError) return failed(`no more retries ${error.message}`);
      if (error instanceof ConditionError) run.log(error.message);
      if (error instanceof ConditionError) return failed(error.message);
      throw error;
    }
  };

const act = async (run: ResourceRun, parts: ResourceTaskParts): Promise<Outputs | undefined> => {
  const { resource } = run.order;
  const verdict = verdictOf(resource);
  const artifact = resource.manifestFrom?.artifact.name;
  const manifest = artifact === undefined ? (resource.manifest ?? '') : await parts.readArtifact(run, artifact);
  const objects = await parts.objectsFor(run);
  const found = await new Kubectl(optionsOf(run, objects)).run(resource, manifest);
  const parameters = run.manifest.work.outputParameters;
  // Who only creates needs no right to read.
  const isLookedAt = parameters.length > 0 || Boolean(resource.successCondition) || Boolean(resource.failureCondition);
  if (found === undefined || !isLookedAt) return undefined;
  const json = JSON.stringify(await awaited(run, found, objects.accessTo(found.kind), verdict));
  return parameters.length === 0 ? undefined : { parameters: await readOutputs(parameters, json) };
};

const optionsOf = (run: ResourceRun, objects: TaskObjects): KubectlOptions => {
  const { workflowName, workflowNamespace, workflowUid } = run.manifest.work;
  const owner = {
    apiVersion: API_VERSION,
    kind: Kind.Workflow,
    name: workflowName,
    uid: workflowUid,
    controller: true,
    blockOwnerDeletion: true,
  };
  return {
    namespace: workflowNamespace,
    author: authorOf(run.identity),
    ...(run.order.resource.setOwnerReference === true ? { owner } : {}),
    ...objects,
    say: run.log,
    signal: run.signal,
  };
};

/** Looks at the object until its conditions are met; the object as it is then. */
const awaited = async (
  run: ResourceRun,
  { kind, place }: FoundObject,
  access: ObjectAccess,
  verdict: (json: string) => 'reached' | 'waiting',
): Promise<Resource> => {
  for (let pauseMs = FIRST_LOOK_MS; ; pauseMs = Math.min(pauseMs * 1.5, LONGEST_PAUSE_MS)) {
    const object = await access.get(place).catch((error: unknown) => {
      throw asKubectlError(error);
    });
    if (verdict(JSON.stringify(object)) === 'reached') return object;
    if (pauseMs === FIRST_LOOK_MS) run.log(`waiting for the conditions of ${objectLabel(kind, place.name)}`);
    await sleep(pauseMs, undefined, { signal: run.signal });
  }
};
