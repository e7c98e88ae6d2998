import { describe, expect, it } from 'vitest';
import { runSimulated } from '#libs/testing';
import { nodeId, type NodePhase, type NodeStatus, type Workflow, type WorkflowPhase } from '#libs/workflow-spec';

const id = (name: string): string => nodeId('w', name);
const AT = '2026-01-01T00:00:00Z';

/** Two steps after each other, of which the first was done in an earlier run, as Argo leaves the object for its controller. */
const found = (phase: string, groups: NodePhase, done: Partial<NodeStatus>): Workflow => {
  const node = (name: string, more: Partial<NodeStatus>): [string, NodeStatus] => [
    id(name),
    { id: id(name), name, displayName: name, startedAt: AT, finishedAt: null, templateScope: 'local/w', ...more } as NodeStatus,
  ];
  const [first, second] = [id('w[0].a'), id('w[1]')];
  const nodes = Object.fromEntries([
    node('w', { type: 'Steps', phase: groups, templateName: 'main', children: [id('w[0]')] }),
    node('w[0]', { type: 'StepGroup', phase: groups, displayName: '[0]', boundaryID: 'w', children: [first] }),
    node('w[0].a', { displayName: 'a', boundaryID: 'w', templateName: 'say', children: [second], ...done }),
    node('w[1]', { type: 'StepGroup', phase: groups, displayName: '[1]', boundaryID: 'w' }),
  ]);
  return {
    metadata: { name: 'w', namespace: 'argo', uid: 'u', labels: { 'workflows.argoproj.io/phase': 'Running' } },
    spec: {
      entrypoint: 'main',
      templates: [
        { name: 'main', steps: [[{ name: 'a', template: 'say' }], [{ name: 'b', template: 'say' }]] },
        { name: 'say', container: { image: 'sim', command: ['sim'], args: ['ms=100'] } },
      ],
    },
    status: { phase: phase as WorkflowPhase, startedAt: AT, finishedAt: null, nodes },
  };
};
/** The same where the second step has failed in the earlier run, and its pod is to be made again. */
const withPending = (workflow: Workflow): Workflow => {
  const { nodes = {} } = workflow.status ?? {};
  const [b, group] = [id('w[1].b'), nodes[id('w[1]')]];
  const pending = { id: b, name: 'w[1].b', displayName: 'b', type: 'Pod', phase: 'Pending', templateName: 'say' } as NodeStatus;
  Object.assign(nodes, { [b]: { ...pending, boundaryID: 'w', templateScope: 'local/w', startedAt: AT, finishedAt: null } });
  if (group) group.children = [b];
  return workflow;
};
const SUCCEEDED = { type: 'Pod', phase: 'Succeeded', finishedAt: AT, progress: '1/1' } as const;
const SKIPPED = { type: 'Skipped', phase: 'Skipped', finishedAt: AT, message: 'original pod: x-1' } as const;

const endsWell = (left: Workflow, first: string): void => {
  const { workflow, made } = runSimulated(left, { found: { workflow: left, pods: [] } });
  expect([...made.keys()]).toEqual([id('w[1].b')]);
  expect(workflow.status?.phase).toBe('Succeeded');
  expect(workflow.metadata.labels).toMatchObject({ 'workflows.argoproj.io/completed': 'true' });
  const phases = Object.values(workflow.status?.nodes ?? {}).map((node) => [node.name, node.phase]);
  expect(Object.fromEntries(phases)).toEqual({
    ...{ w: 'Succeeded', 'w[0]': 'Succeeded', 'w[1]': 'Succeeded', 'w[1].b': 'Succeeded' },
    'w[0].a': first,
  });
};

describe('a workflow that Argo has left to be run again', () => {
  it.each([
    ['by retry', 'Running', 'Running', SUCCEEDED],
    ['by retry, without a phase', '', 'Running', SUCCEEDED],
    ['by resubmit --memoized', '', 'Pending', SKIPPED],
    ['by resubmit --memoized, Pending', 'Pending', 'Pending', SKIPPED],
  ] as const)('repeats nothing that has succeeded (%s)', (_how, phase, groups, done) => {
    for (const left of [found(phase, groups, done), withPending(found(phase, groups, done))]) endsWell(left, done.phase);
  });
});
