import { describe, expect, it } from 'vitest';
import { nodeId, NodePhase, NodeType } from '#libs/workflow-spec';
import { createWorkflowState } from './lifecycle.js';
import { Wakeups } from './wakeups.js';
import type { WorkflowState } from './workflow-state.js';

const emptyState = (name: string): WorkflowState =>
  createWorkflowState({ artifactRepository: null, podNames: 'v2' }, { metadata: { name, namespace: 'lab' }, spec: {} });

const addPod = (state: WorkflowState, name: string): string =>
  state.create({
    status: { name, type: NodeType.Pod, phase: NodePhase.Pending, progress: '0/1' },
    memory: { owner: '', role: 'item' },
    parents: [],
  }).id;

describe('the state of a workflow', () => {
  it('keeps two nodes apart whose names have the same hash', () => {
    const [first, second] = ['c[0].each(6058:6058)', 'c[0].each(6496:6496)'];
    expect(nodeId('c', first)).toBe(nodeId('c', second));
    const state = emptyState('c');
    const ids = [addPod(state, first), addPod(state, second)];
    expect(new Set(ids).size).toBe(2);
    expect(state.byName(second)?.status.name).toBe(second);
    expect(state.counters.progressTotal).toBe(2);
  });

  it('forgets a removed node in every index', () => {
    const state = emptyState('w');
    const id = addPod(state, 'w.a');
    expect(state.counters.open('')).toBe(1);
    state.remove(state.get(id));
    expect(state.counters.open('')).toBe(0);
    expect(state.counters.activePods).toBe(0);
    expect(state.byName('w.a')).toBeUndefined();
    expect([...state.pending.removed]).toEqual([id]);
  });
});

describe('wake-ups', () => {
  it('come in the order of their times, and only while they stand', () => {
    const wakeups = new Wakeups();
    wakeups.set('late', 30);
    wakeups.set('early', 10);
    wakeups.set('moved', 5);
    wakeups.set('moved', 20);
    wakeups.set('withdrawn', 1);
    wakeups.set('withdrawn', undefined);
    expect(wakeups.next()).toBe(10);
    expect(wakeups.due(20)).toEqual(['early', 'moved']);
    expect(wakeups.next()).toBe(30);
  });
});
