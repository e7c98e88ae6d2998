import { z } from 'zod';

import { type ApiObject, KubernetesNotFoundError, type KubernetesApi } from '#libs/kubernetes';
import { API_VERSION, LabelName, type Outputs, type Parameter } from '#libs/workflow-spec';

const TASK_RESULTS = { apiVersion: API_VERSION, plural: 'workflowtaskresults' } as const;

/** What an executor has said of a node in a WorkflowTaskResult; the object's name is the node's id. */
export interface TaskResult {
  nodeId: string;
  /** Nothing follows: label `report-outputs-completed` is `true`, or absent as older executors leave it. */
  isComplete: boolean;
  outputs: Outputs;
  /** `N/M`. */
  progress?: string;
}

/** Values are texts in the end; numbers and booleans are written by hand only. */
const anyString = z.union([z.string(), z.number(), z.boolean()]).transform(String);
const parameter = z.looseObject({ name: z.string(), value: anyString.optional() });
const artifact = z.looseObject({ name: z.string() });
const taskResult = z.looseObject({
  outputs: z
    .looseObject({
      parameters: z.array(parameter).nullish(),
      artifacts: z.array(artifact).nullish(),
      result: z.string().nullish(),
      exitCode: z.string().nullish(),
    })
    .nullish(),
  progress: z.string().nullish(),
});

/** Reads a WorkflowTaskResult. What stands in it can be written by the pod itself, so a form that is none is an error that names the field. */
export function taskResultOf(object: ApiObject): TaskResult {
  const read = taskResult.safeParse(object);
  const { name, labels = {} } = object.metadata;
  if (!read.success) {
    const [issue] = read.error.issues;
    throw new TaskResultError(
      `WorkflowTaskResult ${name}: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'cannot be read'}`,
    );
  }
  const { outputs, progress } = read.data;
  const { parameters, artifacts, result, exitCode } = outputs ?? {};
  return {
    nodeId: name,
    isComplete: labels[LabelName.reportOutputsCompleted] !== 'false',
    outputs: {
      ...(parameters ? { parameters: parameters as Parameter[] } : {}),
      ...(artifacts ? { artifacts } : {}),
      ...(typeof result === 'string' ? { result } : {}),
      ...(typeof exitCode === 'string' ? { exitCode } : {}),
    },
    ...(progress ? { progress } : {}),
  };
}

/** A WorkflowTaskResult that cannot be read. */
export class TaskResultError extends Error {
  override readonly name = 'TaskResultError';
}

/** The results of nodes as the API server has them. */
export class TaskResults {
  constructor(private readonly api: KubernetesApi) {}

  /** That of a node; undefined where its executor has said nothing. Throws TaskResultError, and TransientError where the server is away. */
  async find(namespace: string, nodeId: string): Promise<TaskResult | undefined> {
    try {
      return taskResultOf(await this.api.get<ApiObject>({ ...TASK_RESULTS, namespace, name: nodeId }));
    } catch (error) {
      if (error instanceof KubernetesNotFoundError) return undefined;
      throw error;
    }
  }
  /** The outputs of the object of this UID. Throws TaskResultError where it is not there, and as `find`. */
  async outputsOf({ namespace, nodeId, uid }: { namespace: string; nodeId: string; uid: string }): Promise<Outputs> {
    try {
      const object = await this.api.get<ApiObject>({ ...TASK_RESULTS, namespace, name: nodeId });
      if (object.metadata.uid === uid) return taskResultOf(object).outputs;
    } catch (error) {
      if (!(error instanceof KubernetesNotFoundError)) throw error;
    }
    throw new TaskResultError(`WorkflowTaskResult ${nodeId} that the executor has left is gone`);
  }
}
