import { describe, expect, it } from 'vitest';
import {
  createWorkflowState,
  decide,
  factId,
  markCommitted,
  type Command,
  type FactValue,
  type InboxEntry,
  type WorkflowState,
} from '../index.js';
import type { WorkflowSpec } from '#libs/workflow-spec';

const spec: WorkflowSpec = {
  entrypoint: 'main',
  volumeClaimTemplates: [{ metadata: { name: 'work', labels: { a: 'b' } }, spec: { accessModes: ['{{workflow.name}}'] } }],
  templates: [{ name: 'main', container: { image: 'sim', volumeMounts: [{ name: 'work', mountPath: '/w' }] } }],
};
const stateOf = (more: Partial<WorkflowSpec> = {}): WorkflowState =>
  createWorkflowState(
    { artifactRepository: null, podNames: 'v2' },
    { metadata: { name: 'wf', namespace: 'ns', uid: 'u' }, spec: { ...spec, ...more } },
  );

let serial = 0;
const step = (state: WorkflowState, ...reports: object[]): Command[] => {
  const inbox = reports.map((report) => {
    serial += 1;
    return { id: String(serial), kind: 'pod', report } as InboxEntry;
  });
  const facts = new Map<string, FactValue>();
  for (;;) {
    const decision = decide(state, { inbox, facts, nowMs: 1_000 });
    for (const key of decision.missing) facts.set(factId(key), null);
    if (decision.missing.length > 0) continue;
    markCommitted(state);
    return decision.commands;
  }
};
const made = { nodeId: 'claim/wf-work', incarnation: 1, phase: 'Succeeded' };
const end = (state: WorkflowState, phase: string): Command[] => step(state, { nodeId: 'wf', incarnation: 1, phase });

describe('the claims of a workflow', () => {
  it('are ordered first: labelled, owned, with tags replaced', () => {
    const state = stateOf();
    const [command, ...others] = step(state);
    expect(others).toEqual([]);
    expect(command).toMatchObject({
      type: 'createClaim',
      orderId: 'claim/wf-work',
      claim: {
        metadata: {
          name: 'wf-work',
          labels: { a: 'b', 'workflows.argoproj.io/workflow': 'wf' },
          ownerReferences: [{ uid: 'u' }],
        },
        spec: { accessModes: ['wf'] },
      },
    });
    expect(step(state)).toEqual([]);
  });

  it('are volumes of its pods once they are made', () => {
    const state = stateOf();
    step(state);
    const [run] = step(state, made);
    expect(run).toMatchObject({
      order: { podFields: { volumes: [{ name: 'work', persistentVolumeClaim: { claimName: 'wf-work' } }] } },
    });
    expect(state.header.status.persistentVolumeClaims).toHaveLength(1);
  });

  it('go when the workflow has succeeded', () => {
    const state = stateOf();
    step(state);
    step(state, made);
    expect(end(state, 'Succeeded')).toContainEqual({ type: 'deletePod', nodeId: 'claim/wf-work', incarnation: 1 });
    expect(state.header.status.persistentVolumeClaims).toBeUndefined();
  });

  it('stay after a failure, unless the strategy says otherwise', () => {
    for (const [strategy, goes] of [
      ['OnWorkflowSuccess', false],
      ['OnWorkflowCompletion', true],
    ] as const) {
      const state = stateOf({ volumeClaimGC: { strategy } });
      step(state);
      step(state, made);
      expect(end(state, 'Failed').some(({ type }) => type === 'deletePod')).toBe(goes);
    }
  });

  it('end the workflow in Error where one cannot be made', () => {
    const state = stateOf();
    step(state);
    step(state, { ...made, phase: 'Failed', message: 'no room' });
    expect(state.header.status).toMatchObject({ phase: 'Error', message: 'pvc create error: no room' });
  });

  it('need names', () => {
    const state = stateOf({ volumeClaimTemplates: [{ spec: {} }] });
    step(state);
    expect(state.header.status.message).toBe('pvc create error: volumeClaimTemplates[0].metadata.name is required');
  });
});
