import { describe, expect, it } from 'vitest';
import type { NodeStatus } from '../model/status.js';
import type { Workflow } from '../model/workflow.js';
import { resubmitted, retriedFromArchive } from './new-workflows.js';

const node = (id: string, name: string, more: Partial<NodeStatus>): NodeStatus => ({ id, name, type: 'Pod', ...more });

/** Steps: `a` succeeded at its second attempt, `b` failed, `c` ran because b may fail. */
const failed: Workflow = {
  metadata: { name: 'w', namespace: 'lab', labels: { team: 'red', 'workflows.argoproj.io/completed': 'true' } },
  spec: { entrypoint: 'main', shutdown: 'Stop', arguments: { parameters: [{ name: 'p', value: '1' }] } },
  status: {
    phase: 'Failed',
    nodes: Object.fromEntries(
      [
        node('w', 'w', { type: 'Steps', phase: 'Failed', children: ['w-g0'] }),
        node('w-g0', 'w[0]', { type: 'StepGroup', phase: 'Succeeded', children: ['w-a'] }),
        node('w-a', 'w[0].a', { type: 'Retry', phase: 'Succeeded', children: ['w-a0', 'w-a1'] }),
        node('w-a0', 'w[0].a(0)', { phase: 'Failed', nodeFlag: { retried: true } }),
        node('w-a1', 'w[0].a(1)', {
          phase: 'Succeeded',
          nodeFlag: { retried: true },
          outputs: { result: 'of a' },
          startedAt: '2024-01-01T00:00:00Z',
          children: ['w-g1'],
        }),
        node('w-g1', 'w[1]', { type: 'StepGroup', phase: 'Failed', children: ['w-b', 'w-s'] }),
        node('w-b', 'w[1].b', { phase: 'Failed', children: ['w-g2'] }),
        node('w-s', 'w[1].s', { type: 'Suspend', phase: 'Succeeded' }),
        node('w-g2', 'w[2]', { type: 'StepGroup', phase: 'Succeeded', children: ['w-c'] }),
        node('w-c', 'w[2].c', { phase: 'Succeeded' }),
        node('w-x', 'w.onExit', { phase: 'Succeeded', nodeFlag: { hooked: true } }),
      ].map((each) => [each.id, each]),
    ),
  },
};

describe('what a new run reuses', () => {
  it('of a memoized resubmission are the pods that succeeded, shown as Argo shows them', () => {
    expect(resubmitted(failed, { memoized: true }).reuse).toEqual({
      '[0].a(0)': { type: 'Skipped', phase: 'Skipped', message: 'original pod: w-a1', outputs: { result: 'of a' } },
      '[2].c': { type: 'Skipped', phase: 'Skipped', message: 'original pod: w-c' },
    });
    expect(() => resubmitted({ ...failed, status: { phase: 'Succeeded' } }, { memoized: true })).toThrow(
      'workflow must be Failed/Error to resubmit in memoized mode',
    );
  });

  it('of a retry from the archive is what succeeded and comes after nothing that failed', () => {
    const { workflow, reuse } = retriedFromArchive(failed, { parameters: ['p=2'] });
    expect(workflow.metadata).toEqual({ name: 'w', namespace: 'lab', labels: { team: 'red' } });
    expect(workflow.spec).toEqual({ entrypoint: 'main', arguments: { parameters: [{ name: 'p', value: '2' }] } });
    expect(Object.keys(reuse)).toEqual(['[0].a(0)', '[1].s']);
    expect(reuse['[0].a(0)']).toEqual({
      type: 'Pod',
      phase: 'Succeeded',
      outputs: { result: 'of a' },
      startedAt: '2024-01-01T00:00:00Z',
    });
  });

  it('of a retry leaves out what is chosen to run again, and what came after it', () => {
    const restart = ({ displayName, name }: NodeStatus): boolean => (displayName ?? name) === 'w[0].a';
    expect(retriedFromArchive({ ...failed, status: { ...failed.status, phase: 'Succeeded' } }, { restart }).reuse).toEqual({});
  });

  it('is refused for a workflow that has not failed', () => {
    const running: Workflow = { ...failed, status: { phase: 'Running' } };
    expect(() => retriedFromArchive(running)).toThrow('Cannot retry a workflow in phase Running');
    expect(() => retriedFromArchive({ ...failed, status: { phase: 'Succeeded' } })).toThrow(/^To retry a succeeded workflow/);
  });
});
