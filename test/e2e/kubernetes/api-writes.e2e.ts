import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '#libs/testing';
import type { Workflow } from '#libs/workflow-spec';
import { clusterFleet, type ClusterFleet } from '../faults/cluster/cluster-fleet.js';

const started = await clusterFleet('writes');
const LIMIT_MS = 90_000;

describe.skipIf('skipped' in started)(`writes to the API server ${'skipped' in started ? `(${started.skipped})` : ''}`, () => {
  const parts = started as ClusterFleet;
  const { cluster, fleet, namespace } = parts;
  beforeAll(() => fleet.start(), 120_000);
  afterAll(() => parts.stop());

  const writes = async (): Promise<Record<string, number>> => {
    const sums: Record<string, number> = {};
    for (const program of Object.values(fleet.programs))
      for (const [call, count] of await program.clusterWrites()) sums[call] = (sums[call] ?? 0) + count;
    return sums;
  };
  const workflow = (): Promise<Workflow> =>
    cluster.api.get<Workflow>({ apiVersion: 'argoproj.io/v1alpha1', plural: 'workflows', namespace, name: 'one' });
  const podsOf = async () => (await cluster.api.list({ apiVersion: 'v1', plural: 'pods', namespace })).items;
  const reasons = async (): Promise<string[]> => {
    const { items } = await cluster.api.list({ apiVersion: 'v1', plural: 'events', namespace });
    const told = items.filter((event) => (event['involvedObject'] as { kind?: string }).kind === 'Workflow');
    return told.map((event) => event['reason'] as string);
  };

  it('are at most 12 for a workflow of one pod that kubectl makes, with two schedulers and two pod-managers', async () => {
    expect(await writes()).toEqual({});
    const made = {
      apiVersion: 'argoproj.io/v1alpha1',
      kind: 'Workflow',
      metadata: { name: 'one' },
      spec: { entrypoint: 'main', templates: [{ name: 'main', container: { image: 'busybox', command: ['true'] } }] },
    };
    await cluster.kubectl(['-n', namespace, 'create', '-f', '-'], JSON.stringify(made));
    await eventually(
      async () => (await workflow()).metadata.labels?.['workflows.argoproj.io/workflow-archiving-status'] === 'Archived',
      'the workflow is archived',
      LIMIT_MS,
    );
    await eventually(async () => (await reasons()).includes('WorkflowSucceeded'), 'its end is told', LIMIT_MS);
    await eventually(
      async () => (await podsOf()).every(({ metadata }) => (metadata.finalizers ?? []).length === 0),
      'its pod is let go',
      LIMIT_MS,
    );
    const counted = await writes();
    const sum = Object.values(counted).reduce((total, count) => total + count, 0);
    expect(sum, JSON.stringify(counted)).toBeLessThanOrEqual(12);
    expect(counted).toMatchObject({ 'create pods': 1, 'patch pods': 1 });
    expect(await reasons()).toEqual(expect.arrayContaining(['WorkflowRunning', 'WorkflowNodeSucceeded', 'WorkflowSucceeded']));
  });
});
