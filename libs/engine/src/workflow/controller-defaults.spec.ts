import { describe, expect, it } from 'vitest';
import type { WorkflowSpec } from '#libs/workflow-spec';
import type { EngineConfig, FactValue, SubmittedWorkflow } from '../contract.js';
import { factId } from '../contract.js';
import { decide } from '../decide.js';
import { renderWorkflow } from '../node-tree/render.js';
import { createWorkflowState, restoreWorkflowState } from '../state/lifecycle.js';

const CONFIG: EngineConfig = { artifactRepository: null, podNames: 'v2' };
const TEMPLATES = [{ name: 'main', suspend: {} }];

const begin = (config: Partial<EngineConfig>, spec: WorkflowSpec, template?: WorkflowSpec) => {
  const submitted: SubmittedWorkflow = {
    metadata: { name: 'wf', namespace: 'ns', uid: 'u', labels: { team: 'red' } },
    spec,
  };
  const state = createWorkflowState({ ...CONFIG, ...config }, submitted);
  const facts = new Map<string, FactValue>([[factId({ kind: 'artifactRepository', namespace: 'ns' }), null]]);
  if (template) facts.set(factId({ kind: 'workflowTemplate', namespace: 'ns', name: 't' }), { kind: 'template', spec: template });
  const decision = decide(state, { inbox: [], facts, nowMs: 1_000 });
  return { submitted, state, decision };
};

describe("the controller's workflowDefaults", () => {
  const workflowDefaults = {
    metadata: { labels: { team: 'blue', cost: '7' }, annotations: { note: 'x' } },
    spec: { entrypoint: 'other', activeDeadlineSeconds: 60, ttlStrategy: { secondsAfterSuccess: 5 } },
  };

  it('stand below what the workflow says, in what runs and in what is shown', () => {
    const { submitted, state, decision } = begin({ workflowDefaults }, { entrypoint: 'main', templates: TEMPLATES });
    expect(state.spec).toMatchObject({ entrypoint: 'main', activeDeadlineSeconds: 60 });
    const shown = renderWorkflow(submitted, decision.header, decision.nodes);
    expect(shown.spec).toMatchObject({ entrypoint: 'main', ttlStrategy: { secondsAfterSuccess: 5 }, templates: TEMPLATES });
    expect(shown.metadata.labels).toMatchObject({ team: 'red', cost: '7' });
    expect(shown.metadata.annotations).toMatchObject({ note: 'x' });
  });

  it('stand below the template that the workflow names', () => {
    const template = { entrypoint: 'main', templates: TEMPLATES, ttlStrategy: { secondsAfterFailure: 9 } };
    const { submitted, state, decision } = begin({ workflowDefaults }, { workflowTemplateRef: { name: 't' } }, template);
    expect(state.spec).toMatchObject({
      entrypoint: 'main',
      activeDeadlineSeconds: 60,
      ttlStrategy: { secondsAfterFailure: 9, secondsAfterSuccess: 5 },
    });
    expect(renderWorkflow(submitted, decision.header, decision.nodes).spec).toEqual({ workflowTemplateRef: { name: 't' } });
  });

  it('are those of the beginning, whatever the controller says later', () => {
    const { submitted, decision } = begin({ workflowDefaults }, { entrypoint: 'main', templates: TEMPLATES });
    const header = decision.header;
    if (header === undefined) throw new Error('the workflow has not begun');
    const later = { ...CONFIG, workflowDefaults: { metadata: {}, spec: { activeDeadlineSeconds: 1 } } };
    const state = restoreWorkflowState(later, submitted, { header, nodes: decision.nodes });
    decide(state, { inbox: [], facts: new Map(), nowMs: 2_000 });
    expect(state.spec.activeDeadlineSeconds).toBe(60);
  });
});

describe("the controller's workflowRestrictions", () => {
  it('let only workflows run that name a WorkflowTemplate', () => {
    const { decision } = begin({ templateReferencing: 'Strict' }, { entrypoint: 'main', templates: TEMPLATES });
    expect(decision.header?.status).toMatchObject({
      phase: 'Error',
      message: 'workflows must use workflowTemplateRef to be executed when the controller is in reference mode',
    });
  });

  it('let these say only a few things themselves', () => {
    const template = { entrypoint: 'main', templates: TEMPLATES };
    const allowed = { workflowTemplateRef: { name: 't' }, arguments: {}, priority: 1 };
    expect(begin({ templateReferencing: 'Secure' }, allowed, template).decision.header?.status.phase).toBe('Running');
    const refused = begin({ templateReferencing: 'Secure' }, { ...allowed, serviceAccountName: 'root' }, template);
    expect(refused.decision.header?.status.message).toContain('fields serviceAccountName must come from the WorkflowTemplate');
  });

  it('let these say more where the operator has listed it, but never what shapes the pods of collection', () => {
    const template = { entrypoint: 'main', templates: TEMPLATES };
    const config = { templateReferencing: 'Strict', userOverrideAllowlist: ['serviceAccountName'] } as const;
    const given = { workflowTemplateRef: { name: 't' }, serviceAccountName: 'root' };
    expect(begin(config, given, template).decision.header?.status.phase).toBe('Running');
    const refused = begin(config, { ...given, artifactGC: { podSpecPatch: '{}' } }, template);
    expect(refused.decision.header?.status.message).toContain('fields artifactGC.podSpecPatch must come from');
  });
});
