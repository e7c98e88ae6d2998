import { WorkflowsApi } from '../../services/cli/src/client/workflows-api.js';
import { ApiClient } from '../../services/cli/src/client/api-client.js';
import { ApiClientError } from '../../services/cli/src/client/errors.js';
import { isFinishedWorkflowPhase, type Workflow } from '#libs/workflow-spec';
import { type RecordedObject, type Recording, refusalOf } from './recordings.js';

export interface Comparison {
  normalise(workflow: unknown): unknown;
  canonical(value: unknown): unknown;
  differences(expected: unknown, actual: unknown): string[];
}

export interface PlayOptions {
  url: string;
  namespace: string;
  comparison: Comparison;
  /** After this a workflow that has not ended counts as a difference. */
  timeoutMs: number;
  /** Told of every object that stood beside the workflow, for who else has to know it. */
  onObject?: (object: RecordedObject) => Promise<void>;
}

const POLL_MS = 50;
/** What follows the end of a workflow may take this long. */
const SETTLE_MS = 30_000;
const PLURALS: Record<string, string> = {
  ConfigMap: 'configmaps',
  Secret: 'secrets',
  WorkflowTemplate: 'workflowtemplates',
  ClusterWorkflowTemplate: 'clusterworkflowtemplates',
};

/** Plays one recording through the API and answers where the outcome differs from the real Argo's; empty: nowhere. */
export const play = async (recording: Recording, options: PlayOptions): Promise<string[]> => {
  const client = new ApiClient({ baseUrl: options.url, headers: {} });
  const api = new WorkflowsApi(client, options.namespace);
  for (const object of recording.others ?? []) {
    await applyAsRecorded(client, object, options.namespace);
    await options.onObject?.(object);
  }
  const expectedRefusal = refusalOf(recording, options.namespace);
  const refusal = await submit(api, recording, options.namespace);
  if (expectedRefusal !== undefined) {
    return refusal === expectedRefusal ? [] : [`refusal: expected ${expectedRefusal}, found ${refusal ?? 'acceptance'}`];
  }
  if (refusal !== undefined) return [`refused: ${refusal}`];
  const name = recording.workflow.metadata.name ?? '';
  const deadline = Date.now() + options.timeoutMs;
  for (const action of recording.actions ?? []) await act(client, api, { action, name, deadline });
  const ended = await until(() => api.get(name), isCompleted, deadline);
  if (!isCompleted(ended)) return [`phase: still ${ended.status?.phase ?? 'unknown'} after ${options.timeoutMs} ms`];
  if (recording.argoNeverEnds) return [];
  const expected = options.comparison.canonical(recording.status);
  const collected = JSON.stringify(recording.status).includes('"deleted":true');
  const compare = (workflow: Workflow): string[] =>
    options.comparison.differences(expected, options.comparison.normalise(collected ? workflow : withoutCollection(workflow)));
  // Artifact GC follows the end: what it removes is marked a moment later.
  return compare(
    await until(
      () => api.get(name),
      (workflow) => compare(workflow).length === 0,
      Date.now() + SETTLE_MS,
    ),
  );
};

/** A recording that ends before artifacts are collected says nothing about their marks. */
const withoutCollection = (workflow: Workflow): Workflow =>
  JSON.parse(JSON.stringify(workflow, (name, value: unknown) => (name === 'deleted' ? undefined : value))) as Workflow;

const submit = async (api: WorkflowsApi, { workflow }: Recording, namespace: string): Promise<string | undefined> => {
  try {
    await api.create({ ...workflow, metadata: { ...workflow.metadata, namespace } });
    return undefined;
  } catch (error) {
    if (error instanceof ApiClientError && error.httpStatus < 500) return error.message;
    throw error;
  }
};

/** What Kubernetes would not store (`… is invalid: …`) was not there for the recorder either. */
const applyAsRecorded = async (client: ApiClient, object: RecordedObject, namespace: string): Promise<void> => {
  try {
    await applyObject(client, object, namespace);
  } catch (error) {
    if (!(error instanceof ApiClientError && error.message.startsWith(`${object.kind}.argoproj.io`))) throw error;
  }
};

/** Creates or replaces an object through our own API. */
export const applyObject = async (client: ApiClient, object: RecordedObject, namespace: string): Promise<void> => {
  const place = object.kind === 'ClusterWorkflowTemplate' ? '-' : namespace;
  const {
    uid: _uid,
    resourceVersion: _version,
    ...metadata
  } = { uid: undefined, resourceVersion: undefined, ...object.metadata };
  const body = { ...object, metadata: place === '-' ? metadata : { ...metadata, namespace } };
  await client.send('PUT', `/api/argosy/v1/resources/${PLURALS[object.kind]}/${place}/${object.metadata.name}`, body);
};

interface Act {
  action: string;
  name: string;
  deadline: number;
}

const REQUEST = /^(PUT|POST|DELETE) (\S+) (\{.*\}) -> (\d+)$/s;

/** An action is a condition to wait for, a pause that the recorder made, or a request with the status that was answered. */
const act = async (client: ApiClient, api: WorkflowsApi, { action, name, deadline }: Act): Promise<void> => {
  if (action.startsWith('when: '))
    return void (await until(() => api.get(name), conditionOf(action.slice('when: '.length)), deadline));
  const pause = /^wait (\d+) s$/.exec(action);
  if (pause) return new Promise((resolve) => setTimeout(resolve, Number(pause[1]) * 1000));
  const request = REQUEST.exec(action);
  if (!request) throw new Error(`the recording asks for an action that this suite does not know: ${action}`);
  const [, method = 'PUT', url = '', body = '{}'] = request;
  const path = url.replace(/^\/api\/v1\/workflows\/[^/]+\//, `/api/v1/workflows/${encodeURIComponent(api.namespace)}/`);
  await client.send(method as 'PUT', path, JSON.parse(body.replaceAll('NAME', name)));
};

const conditionOf = (text: string): ((workflow: Workflow) => boolean) => {
  if (text === 'workflow is completed') return isCompleted;
  if (text === 'a Pod node is Running')
    return (workflow) => nodesOf(workflow).some(({ type, phase }) => type === 'Pod' && phase === 'Running');
  const node = /^node (\S+) is (\S+)$/.exec(text);
  if (!node) throw new Error(`the recording waits for something that this suite does not know: ${text}`);
  return (workflow) => nodesOf(workflow).some(({ displayName, phase }) => displayName === node[1] && phase === node[2]);
};

const nodesOf = (workflow: Workflow) => Object.values(workflow.status?.nodes ?? {});

const isCompleted = (workflow: Workflow): boolean => isFinishedWorkflowPhase(workflow.status?.phase ?? '');

const until = async <Value>(read: () => Promise<Value>, holds: (value: Value) => boolean, deadline: number): Promise<Value> => {
  for (;;) {
    const value = await read();
    if (holds(value) || Date.now() > deadline) return value;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
};
