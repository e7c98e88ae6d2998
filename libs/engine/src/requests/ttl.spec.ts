import { describe, expect, it } from 'vitest';
import { runSimulated } from '#libs/testing';
import type { TTLStrategy, Workflow, WorkflowSpec } from '#libs/workflow-spec';

const spec: WorkflowSpec = {
  entrypoint: 'main',
  ttlStrategy: { secondsAfterCompletion: 60 },
  templates: [{ name: 'main', container: { image: 'sim', command: ['sim'], args: ['ms=100'] } }],
};
const workflow = (own: WorkflowSpec): Workflow => ({
  apiVersion: 'argoproj.io/v1alpha1',
  kind: 'Workflow',
  metadata: { name: 'kept', namespace: 'argo', uid: 'u' },
  spec: own,
});
const template = {
  apiVersion: 'argoproj.io/v1alpha1',
  kind: 'WorkflowTemplate',
  metadata: { name: 't', namespace: 'argo' },
  spec,
};
const after = (own: WorkflowSpec, ...strategies: (TTLStrategy | null)[]): WorkflowSpec => {
  const requests = strategies.map((strategy, at) => ({ atMs: 5_000 + at, request: { type: 'ttl' as const, strategy } }));
  const { status, spec: shown } = runSimulated(workflow(own), { requests, others: [template] as never }).workflow;
  expect(status?.phase).toBe('Succeeded');
  return status?.storedWorkflowTemplateSpec ?? shown;
};

describe('how long an ended workflow is kept', () => {
  it('is as it was changed last', () => {
    expect(after(spec, { secondsAfterSuccess: 1 }).ttlStrategy).toEqual({ secondsAfterSuccess: 1 });
    expect(after(spec, { secondsAfterSuccess: 1 }, null).ttlStrategy).toBeUndefined();
    expect(after(spec, { secondsAfterSuccess: 1 }).templates).toEqual(spec.templates);
  });

  it('is as the workflow says over its template', () => {
    const own = { workflowTemplateRef: { name: 't' } };
    expect(after(own).ttlStrategy).toEqual({ secondsAfterCompletion: 60 });
    expect(after(own, { secondsAfterSuccess: 1 }).ttlStrategy).toEqual({ secondsAfterSuccess: 1 });
    expect(after(own, { secondsAfterSuccess: 1 }).entrypoint).toBe('main');
  });
});
