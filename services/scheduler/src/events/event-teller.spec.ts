import { describe, expect, it } from 'vitest';
import type { NodeRow } from '#libs/engine';
import type { WorkflowNotice } from '#libs/resources';
import { eventually, quietLogger } from '#libs/testing';
import { EventTeller, type EventTellerPorts } from './event-teller.js';

const key = { uid: 'u', namespace: 'lab', name: 'w' };
const node = (phase: string, message?: string): NodeRow =>
  ({
    id: 'n1',
    parents: [],
    ordinal: 0,
    status: { id: 'n1', name: 'w[0].a', type: 'Pod', phase, startedAt: '2026-01-01T00:00:00Z', ...(message ? { message } : {}) },
  }) as NodeRow;

const tellerWith = (config: ReturnType<EventTellerPorts['config']> = {}, told: WorkflowNotice[] = []) => {
  const teller = new EventTeller({
    objects: { tell: (notice) => Promise.resolve(void told.push(notice)) },
    clock: { nowMs: () => 0 },
    logger: quietLogger,
    config: () => config,
  });
  return { teller, told };
};
const lines = (told: WorkflowNotice[]): string[] => told.map(({ type, reason, message }) => `${type} ${reason} ${message}`);

describe('EventTeller', () => {
  it('tells phases once, in the order in which they came', async () => {
    const { teller, told } = tellerWith();
    teller.committed({ key, status: { phase: 'Running' }, nodes: [node('Pending')] });
    teller.committed({ key, nodes: [node('Running')] });
    teller.committed({ key, nodes: [node('Running')] });
    teller.committed({ key, status: { phase: 'Failed', message: 'child failed' }, nodes: [node('Failed', 'exit code 1')] });
    await eventually(() => told.length === 4, 'all are told');
    expect(lines(told)).toEqual([
      'Normal WorkflowRunning Workflow Running',
      'Normal WorkflowNodeRunning Running node w[0].a',
      'Warning WorkflowNodeFailed Failed node w[0].a: exit code 1',
      'Warning WorkflowFailed child failed',
    ]);
    expect(told[1]?.annotations).toMatchObject({
      'workflows.argoproj.io/node-id': 'n1',
      'workflows.argoproj.io/node-type': 'Pod',
    });
  });

  it('tells that artifacts cannot be deleted, anew only where it fails otherwise', async () => {
    const { teller, told } = tellerWith();
    const failed = (message: string) => [{ type: 'ArtifactGCError', status: 'True' as const, message }];
    teller.committed({ key, conditions: [{ type: 'Completed', status: 'True' }], nodes: [] });
    for (const message of ['no access', 'no access', 'no bucket'])
      teller.committed({ key, conditions: failed(message), nodes: [] });
    teller.committed({ key, conditions: [], nodes: [] });
    teller.committed({ key, conditions: failed('no bucket'), nodes: [] });
    await eventually(() => told.length === 3, 'all are told');
    expect(lines(told)).toEqual([
      'Warning ArtifactGCFailed no access',
      'Warning ArtifactGCFailed no bucket',
      'Warning ArtifactGCFailed no bucket',
    ]);
  });

  it('gives what two tell of one commit one occasion, and what comes again another', async () => {
    const told: WorkflowNotice[] = [];
    const run = (startedAt: string) => ({
      key,
      status: { phase: 'Running' as const, startedAt },
      nodes: [{ ...node('Running'), status: { ...node('Running').status, startedAt } }],
    });
    for (const { teller } of [tellerWith({}, told), tellerWith({}, told)]) {
      teller.committed(run('2026-01-01T00:00:00Z'));
      // A manual retry, which begins anew.
      teller.committed({ ...run('2026-01-01T00:01:00Z'), nodes: [node('Pending')] });
      teller.committed(run('2026-01-01T00:01:00Z'));
    }
    await eventually(() => told.length === 10, 'all are told');
    expect(new Set(told.map(({ occasion }) => occasion))).toEqual(
      new Set([
        'WorkflowRunning/2026-01-01T00:00:00Z/',
        'n1/Running//2026-01-01T00:00:00Z/',
        'WorkflowRunning/2026-01-01T00:01:00Z/',
        'n1/Running//2026-01-01T00:01:00Z/',
      ]),
    );
  });

  it('speaks of pods where the controller says so, under the names that they have', async () => {
    const { teller, told } = tellerWith({ nodeEvents: { sendAsPod: true } });
    const group = { ...node('Running'), id: 'n2', status: { ...node('Running').status, id: 'n2', type: 'Steps' as const } };
    teller.committed({ key, status: { phase: 'Running' }, nodes: [node('Running'), group] });
    teller.committed({ key, nodes: [node('Succeeded')], podNames: 'v1' });
    await eventually(() => told.length === 4, 'all are told');
    const pod = { apiVersion: 'v1', kind: 'Pod' };
    expect(told.map(({ about }) => about)).toEqual([
      undefined,
      { ...pod, name: expect.stringMatching(/^w-\d+$/) as string },
      undefined,
      { ...pod, name: 'n1' },
    ]);
  });

  it('is silent where the controller says so', async () => {
    const { teller, told } = tellerWith({ nodeEvents: { enabled: false }, workflowEvents: { enabled: true } });
    teller.committed({ key, status: { phase: 'Succeeded' }, nodes: [node('Succeeded')] });
    await eventually(() => told.length === 1, 'it is told');
    expect(lines(told)).toEqual(['Normal WorkflowSucceeded Workflow completed']);
  });
});
