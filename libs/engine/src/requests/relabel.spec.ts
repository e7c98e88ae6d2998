import { describe, expect, it } from 'vitest';
import { runSimulated } from '#libs/testing';
import type { Workflow, WorkflowSpec } from '#libs/workflow-spec';

const say = { name: 'say', container: { image: 'sim', command: ['sim'], args: ['ms=100', 'result={{workflow.labels.team}}'] } };
const workflow = (more: Partial<WorkflowSpec> = {}): Workflow => ({
  apiVersion: 'argoproj.io/v1alpha1',
  kind: 'Workflow',
  metadata: { name: 'labelled', namespace: 'argo', uid: 'u', labels: { team: 'red', kept: 'yes' }, annotations: { note: 'a' } },
  spec: {
    entrypoint: 'main',
    templates: [{ name: 'main', steps: [[{ name: 'a', template: 'say' }], [{ name: 'b', template: 'say' }]] }, say],
    ...more,
  },
});

const BEGUN = { 'workflows.argoproj.io/phase': 'Running' };
const relabel = (atMs: number, labels: Record<string, string>, annotations: Record<string, string> = { note: 'a' }) => ({
  requests: [{ atMs, request: { type: 'relabel' as const, labels, annotations } }],
});
/** What the arguments of pods say, in their order. */
const teamsOf = ({ commands }: ReturnType<typeof runSimulated>): (string | undefined)[] =>
  commands.flatMap((command) => (command.type === 'runPod' ? [command.order.template.container?.args?.[1]] : []));

describe('labels and annotations that a person changes in the object', () => {
  it.each([{}, { forgetful: true }])('are those of the workflow, and what begins from then on reads them %j', (options) => {
    const found = { ...BEGUN, team: 'blue', new: 'one', 'workflows.argoproj.io/completed': 'true' };
    const run = runSimulated(workflow(), { ...relabel(50, found, { other: 'b' }), ...options });
    const ended = run.workflow;
    expect(ended.metadata.labels).toEqual({
      team: 'blue',
      new: 'one',
      'workflows.argoproj.io/phase': 'Succeeded',
      'workflows.argoproj.io/completed': 'true',
    });
    expect(ended.metadata.annotations).toMatchObject({ other: 'b', 'workflows.argoproj.io/pod-name-format': 'v2' });
    expect(ended.metadata.annotations).not.toHaveProperty('note');
    expect(teamsOf(run)).toEqual(['result=red', 'result=blue']);
  });

  it('stand over those that the spec gave it, once the object had them', () => {
    const spec = { workflowMetadata: { labels: { team: 'green', given: 'yes' } } };
    const before = runSimulated(workflow(spec), relabel(50, { team: 'red', kept: 'yes', mine: 'yes' })).workflow;
    expect(before.metadata.labels).toMatchObject({ team: 'green', given: 'yes', mine: 'yes' });
    const run = runSimulated(workflow(spec), relabel(50, { ...BEGUN, team: 'red', kept: 'yes' }));
    const after = run.workflow;
    expect(after.metadata.labels).toMatchObject({ team: 'red', kept: 'yes' });
    expect(after.metadata.labels).not.toHaveProperty('given');
    expect(teamsOf(run)).toEqual(['result=green', 'result=red']);
  });

  it.each([
    ['before the workflow begins', 0, {}],
    ['when it has begun and the object does not show that yet', 50, {}],
    ['when the object shows that it waits', 50, { 'workflows.argoproj.io/phase': 'Pending' }],
  ])('give way to those that the spec gives it, written %s', (_what, atMs, shown) => {
    const given = { labels: { team: 'green' }, annotations: { note: 'given' } };
    const found = { ...shown, team: 'blue', kept: 'yes', mine: 'yes' };
    const run = runSimulated(workflow({ workflowMetadata: given }), relabel(atMs, found, { note: 'mine', other: 'b' }));
    expect(run.workflow.metadata.labels).toMatchObject({ team: 'green', kept: 'yes', mine: 'yes' });
    expect(run.workflow.metadata.annotations).toMatchObject({ note: 'given', other: 'b' });
    expect(teamsOf(run)).toEqual(['result=green', 'result=green']);
  });

  it('may be changed back', () => {
    const requests = ['blue', 'red'].map((team, at) => ({
      atMs: 20 * (at + 1),
      request: { type: 'relabel' as const, labels: { ...BEGUN, team, kept: 'yes' }, annotations: { note: 'a' } },
    }));
    expect(runSimulated(workflow(), { requests }).workflow.metadata.labels).toMatchObject({ team: 'red', kept: 'yes' });
  });
});
