import { describe, expect, it } from 'vitest';
import type { PodRow, Store } from '#libs/store';
import { fnv1a32, type Workflow } from '#libs/workflow-spec';
import { LoggedPods } from './logged-pods.js';
import { parseLogQuery } from './log-query.js';

const node = (id: string, name: string) => ({ id, name, type: 'Pod', templateName: 'say', phase: 'Succeeded' });
const workflow = {
  metadata: { uid: 'u', name: 'w', namespace: 'argo', annotations: { 'workflows.argoproj.io/pod-name-format': 'v2' } },
  spec: {},
  status: { nodes: { 'w-1': node('w-1', 'w[0].a'), 'w-2': node('w-2', 'w[0].b') } },
} as unknown as Workflow;
const rowOf = (nodeId: string, podName: string): PodRow =>
  ({ key: { workflowUid: 'u', nodeId, incarnation: 1 }, podName, createdAtMs: 1, status: null }) as unknown as PodRow;

const selected = (rows: PodRow[], of: Workflow, pod?: string) => {
  const store = { pods: { listOfWorkflow: () => Promise.resolve(rows) } } as unknown as Store;
  return new LoggedPods(store).select({ workflow: of, isOver: () => true }, parseLogQuery(pod, {}, 0));
};
const namesOf = async (...given: Parameters<typeof selected>): Promise<string[]> =>
  (await selected(...given)).map(({ podName }) => podName);

describe('pods whose rows are gone', () => {
  const [first, second] = ['w[0].a', 'w[0].b'].map((name) => `w-say-${fnv1a32(name)}`);

  it('have the names that they had, beside those that are still there', async () => {
    expect(await namesOf([], workflow)).toEqual([first, second]);
    expect(await namesOf([rowOf('w-2', 'still-there')], workflow)).toEqual([first, 'still-there']);
  });

  it('are chosen by the name of the pod and of the node', async () => {
    for (const podName of [second, 'w-2']) expect([podName, await namesOf([], workflow, podName)]).toEqual([podName, [second]]);
    expect(await namesOf([], workflow, 'w-say-1')).toEqual([]);
  });

  it('have the older form of names where the workflow was begun with it', async () => {
    const older = {
      ...workflow,
      metadata: { ...workflow.metadata, annotations: { 'workflows.argoproj.io/pod-name-format': 'v1' } },
    };
    expect(await namesOf([], older)).toEqual(['w-1', 'w-2']);
  });
});
