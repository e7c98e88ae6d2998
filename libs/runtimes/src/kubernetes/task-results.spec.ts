import { describe, expect, it } from 'vitest';

import { KubernetesNotFoundError, type KubernetesApi } from '#libs/kubernetes';

import { taskResultOf, TaskResults } from './task-results.js';

const object = (fields: object, labels: Record<string, string> = {}) => ({
  apiVersion: 'argoproj.io/v1alpha1',
  kind: 'WorkflowTaskResult',
  metadata: { name: 'wf-1', namespace: 'lab', labels },
  ...fields,
});

describe('a WorkflowTaskResult', () => {
  it('gives the outputs of its node, values as texts', () => {
    const parameters = [{ name: 'a', value: 3, valueFrom: { path: '/tmp/a' } }, { name: 'b' }];
    const read = taskResultOf(object({ outputs: { parameters, result: '', artifacts: null }, progress: '1/2' }));
    expect(read).toEqual({
      nodeId: 'wf-1',
      isComplete: true,
      outputs: { parameters: [{ name: 'a', value: '3', valueFrom: { path: '/tmp/a' } }, { name: 'b' }], result: '' },
      progress: '1/2',
    });
  });

  it('is to be waited for while its label says so', () => {
    const label = 'workflows.argoproj.io/report-outputs-completed';
    expect(taskResultOf(object({}, { [label]: 'false' }))).toEqual({ nodeId: 'wf-1', isComplete: false, outputs: {} });
    expect(taskResultOf(object({}, { [label]: 'true' })).isComplete).toBe(true);
  });

  it('is refused by the field that is wrong', () => {
    expect(() => taskResultOf(object({ outputs: { parameters: [{ value: 'x' }] } }))).toThrow(
      /WorkflowTaskResult wf-1: outputs\.parameters\.0\.name/,
    );
  });

  it('of a node that has said nothing is absent', async () => {
    const absent = { httpStatus: 404, reason: 'NotFound', message: 'no', request: 'GET /x' };
    const api = { get: () => Promise.reject(new KubernetesNotFoundError(absent as never)) } as unknown as KubernetesApi;
    expect(await new TaskResults(api).find('lab', 'wf-2')).toBeUndefined();
  });
});
