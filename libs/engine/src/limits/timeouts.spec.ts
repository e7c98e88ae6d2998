import { describe, expect, it } from 'vitest';
import type { NodeStatus, Template, Workflow, WorkflowSpec } from '#libs/workflow-spec';
import {
  createWorkflowState,
  decide,
  factId,
  markCommitted,
  renderWorkflow,
  type Command,
  type Facts,
  type InboxEntry,
  type NodeRow,
} from '../index.js';

/** The namespace has no repository of its own. */
const FACTS: Facts = new Map([[factId({ kind: 'artifactRepository', namespace: 'lab' }), null]]);

const START_MS = Date.parse('2024-01-01T00:00:00Z');

const workflow = (template: Partial<Template>, spec: Partial<WorkflowSpec> = {}): Workflow => ({
  metadata: { name: 'late', namespace: 'lab', uid: 'u', creationTimestamp: '2024-01-01T00:00:00Z' },
  spec: {
    entrypoint: 'main',
    templates: [
      { name: 'main', steps: [[{ name: 'a', template: 'leaf' }]] },
      { name: 'leaf', container: { image: 'sim', command: ['sim'] }, ...template },
    ],
    ...spec,
  },
});

/** Decides at these moments, in seconds after the start, with these reports; gives what the workflow has come to. */
const playAt = (of: Workflow, moments: readonly { atSeconds: number; phase?: 'Running' | 'Succeeded' | 'Failed' | 'Gone' }[]) => {
  const state = createWorkflowState({ artifactRepository: null, podNames: 'v2' }, of);
  const rows = new Map<string, NodeRow>();
  const commands: Command[] = [];
  let wakeAtMs: number | null = null;
  for (const { atSeconds, phase } of moments) {
    const pod = [...rows.values()].find(({ status }) => status.type === 'Pod');
    const inbox: InboxEntry[] =
      phase === undefined || pod === undefined
        ? []
        : [{ id: String(atSeconds), kind: 'pod', report: { nodeId: pod.id, incarnation: 1, phase } }];
    const decision = decide(state, { inbox, facts: FACTS, nowMs: START_MS + atSeconds * 1000 });
    for (const row of decision.nodes) rows.set(row.id, row);
    commands.push(...decision.commands);
    markCommitted(state);
    wakeAtMs = decision.nextWakeAtMs;
  }
  const nodes: Record<string, NodeStatus> = renderWorkflow(of, state.header, [...rows.values()]).status?.nodes ?? {};
  return { phase: state.header.status.phase, pod: Object.values(nodes).find(({ type }) => type === 'Pod'), commands, wakeAtMs };
};

describe('timeouts of templates', () => {
  it.each(['timeout', 'pendingTimeout'])('%s fails a node that is Pending for too long, and its pod is not made', (field) => {
    const { phase, pod, commands } = playAt(workflow({ [field]: '10s' }), [{ atSeconds: 0 }, { atSeconds: 11 }]);
    expect(pod).toMatchObject({ phase: 'Failed', message: 'timeout' });
    expect(phase).toBe('Failed');
    expect(commands.map(({ type }) => type)).toEqual(['runPod', 'deletePod', 'finish']);
  });

  it('lets the pod itself end when the time is over while it runs', () => {
    const { pod, commands } = playAt(workflow({ timeout: '10s' }), [
      { atSeconds: 0 },
      { atSeconds: 5, phase: 'Running' },
      { atSeconds: 11 },
    ]);
    expect(pod?.phase).toBe('Running');
    expect(commands).toMatchObject([{ type: 'runPod', order: { deadlineMs: START_MS + 10_000 } }]);
  });

  it('does not limit a pod that runs by pendingTimeout', () => {
    const { pod, commands, phase } = playAt(workflow({ pendingTimeout: '10s' }), [
      { atSeconds: 0 },
      { atSeconds: 5, phase: 'Running' },
      { atSeconds: 60 },
      { atSeconds: 90, phase: 'Succeeded' },
    ]);
    expect(pod?.phase).toBe('Succeeded');
    expect(phase).toBe('Succeeded');
    expect(commands[0]).not.toHaveProperty('order.deadlineMs');
  });

  it('wakes the workflow when the time is over', () => {
    expect(playAt(workflow({ timeout: '1m', pendingTimeout: '20s' }), [{ atSeconds: 0 }]).wakeAtMs).toBe(START_MS + 20_000);
  });

  it('is an error of the node where the text is no duration', () => {
    const { phase } = playAt(workflow({ timeout: 'soon' }), [{ atSeconds: 0 }]);
    expect(phase).toBe('Failed');
  });
});

describe('the deadline of a workflow', () => {
  it.each(['Succeeded', 'Failed', 'Gone'] as const)('fails what it ends, however that takes it: %s', (phase) => {
    const ended = playAt(workflow({}, { activeDeadlineSeconds: 10 }), [
      { atSeconds: 0 },
      { atSeconds: 5, phase: 'Running' },
      { atSeconds: 11 },
      { atSeconds: 12, phase },
    ]);
    expect(ended.commands.map(({ type }) => type)).toEqual(['runPod', 'stopPod', 'finish']);
    expect(ended.pod).toMatchObject({ phase: 'Failed', message: 'Step exceeded its deadline' });
    expect(ended.phase).toBe('Failed');
  });
});

describe('the name that a template wants for its nodes', () => {
  it('is shown, with its tags replaced', () => {
    const { pod } = playAt(workflow({ annotations: { 'workflows.argoproj.io/display-name': 'run-of-{{workflow.name}}' } }), [
      { atSeconds: 0 },
    ]);
    expect(pod).toMatchObject({ name: 'late[0].a', displayName: 'run-of-late' });
  });

  it('has to be one that Argo allows', () => {
    const ended = playAt(workflow({ annotations: { 'workflows.argoproj.io/display-name': 'a name' } }), [{ atSeconds: 0 }]);
    expect(ended.phase).toBe('Failed');
    expect(ended.commands.map(({ type }) => type)).toEqual(['finish']);
  });
});
