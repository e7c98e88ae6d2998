import { describe, expect, it } from 'vitest';
import type { Workflow } from '#libs/workflow-spec';
import {
  createWorkflowState,
  decide,
  factId,
  markCommitted,
  renderWorkflow,
  type Facts,
  type NodeRow,
  type PodReport,
} from '../index.js';

const FACTS: Facts = new Map([[factId({ kind: 'artifactRepository', namespace: 'lab' }), null]]);
const WORKFLOW: Workflow = {
  metadata: { name: 'waiting', namespace: 'lab', uid: 'u' },
  spec: { entrypoint: 'main', templates: [{ name: 'main', container: { image: 'sim', command: ['sim'] } }] },
};

/** The message of the node after each of these reports. */
const messagesAfter = (reports: Pick<PodReport, 'phase' | 'message'>[]): (string | undefined)[] => {
  const state = createWorkflowState({ artifactRepository: null, podNames: 'v2' }, WORKFLOW);
  const rows = new Map<string, NodeRow>();
  const after = (report?: Pick<PodReport, 'phase' | 'message'>): string | undefined => {
    const inbox =
      report === undefined ? [] : [{ id: '1', kind: 'pod' as const, report: { nodeId: 'waiting', incarnation: 1, ...report } }];
    for (const row of decide(state, { inbox, facts: FACTS, nowMs: 0 }).nodes) rows.set(row.id, row);
    markCommitted(state);
    return renderWorkflow(WORKFLOW, state.header, [...rows.values()]).status?.nodes?.['waiting']?.message;
  };
  after();
  return reports.map(after);
};

describe('the message of a Pending node', () => {
  it('is what its pod waits for, and no longer than that', () => {
    const messages = messagesAfter([
      { phase: 'Pending', message: 'Unschedulable: 0/3 nodes are available' },
      { phase: 'Pending' },
      { phase: 'Pending', message: 'ErrImagePull: not found' },
      { phase: 'Running' },
    ]);
    expect(messages.map((message) => message ?? '')).toEqual([
      'Unschedulable: 0/3 nodes are available',
      '',
      'ErrImagePull: not found',
      '',
    ]);
  });
});
