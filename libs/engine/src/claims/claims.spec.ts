import { describe, expect, it } from 'vitest';
import {
  createWorkflowState,
  decide,
  factId,
  markCommitted,
  type Command,
  type FactValue,
  type InboxEntry,
  type WorkflowRequest,
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
const nextId = (): string => {
  serial += 1;
  return String(serial);
};
const step = (state: WorkflowState, ...reports: object[]): Command[] =>
  decideWith(
    state,
    reports.map((report) => ({ id: nextId(), kind: 'pod', report }) as InboxEntry),
  );
const ask = (state: WorkflowState, request: WorkflowRequest): Command[] =>
  decideWith(state, [{ id: nextId(), kind: 'request', requestId: 'r', request }]);

const decideWith = (state: WorkflowState, inbox: InboxEntry[]): Command[] => {
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

  it('are made anew by a manual retry, and pods of what goes on have them at once', () => {
    const steps = { name: 'steps', steps: [[{ name: 'a', template: 'main' }]] };
    const state = stateOf({
      entrypoint: 'steps',
      templates: [...(spec.templates ?? []), steps],
      volumeClaimGC: { strategy: 'OnWorkflowCompletion' },
    });
    step(state);
    const [first] = step(state, made).flatMap((command) => (command.type === 'runPod' ? [command.order] : []));
    step(state, { nodeId: first?.nodeId, incarnation: 1, phase: 'Failed' });
    const commands = [...ask(state, { type: 'retry' }), ...step(state)];
    expect(commands).toContainEqual(
      expect.objectContaining({ type: 'createClaim', orderId: 'claim/wf-work', incarnation: 1001 }),
    );
    expect(commands.find(({ type }) => type === 'runPod')).toMatchObject({
      order: { podFields: { volumes: [{ persistentVolumeClaim: { claimName: 'wf-work' } }] } },
    });
  });

  it('need names', () => {
    const state = stateOf({ volumeClaimTemplates: [{ spec: {} }] });
    step(state);
    expect(state.header.status.message).toBe('pvc create error: volumeClaimTemplates[0].metadata.name is required');
  });
});
