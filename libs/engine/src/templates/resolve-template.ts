import { copyOf, type Pass } from '../pass.js';
import { factId, type FactKey } from '../contract.js';
import { ExecutionError } from '../errors.js';
import type { Template, TemplateInvocation, TemplateRef, WorkflowSpec } from '#libs/workflow-spec';
import type { WorkflowState } from '../state/workflow-state.js';
import type { TreeNode } from '../state/tree-node.js';
import { mergeTemplateDefaults } from './template-defaults.js';

/** `scope` is where names inside the found template are looked up. `missing`: a stored template has to be loaded first. */
export type ResolvedTemplate = { type: 'found'; template: Template; scope: string } | { type: 'missing'; key: FactKey };
type Holder = Pick<TemplateInvocation, 'name' | 'template' | 'templateRef' | 'inline'>;

const scopeOfRef = (ref: TemplateRef): string => `${ref.clusterScope === true ? 'cluster' : 'namespaced'}/${ref.name ?? ''}`;
const isLocal = (scope: string): boolean => scope.startsWith('local/');

/** The scope of names inside the template that a node runs. */
export const innerScope = (node: TreeNode): string =>
  node.status.templateRef === undefined ? (node.status.templateScope ?? '') : scopeOfRef(node.status.templateRef);

/** Where the workflow's own templates are looked up: Argo leaves the name out under `workflowTemplateRef`. */
export const localScope = (state: WorkflowState): string =>
  state.submitted.spec.workflowTemplateRef === undefined ? `local/${state.name}` : 'local/';

const factKeyOf = (state: WorkflowState, scope: string): FactKey => {
  const name = scope.slice(scope.indexOf('/') + 1);
  return scope.startsWith('cluster/')
    ? { kind: 'clusterWorkflowTemplate', name }
    : { kind: 'workflowTemplate', namespace: state.namespace, name };
};

const byName = (spec: WorkflowSpec, name: string): Template | undefined =>
  spec.templates?.find((template) => template.name === name);

const storedKey = (scope: string, holder: Holder, name: string): string =>
  holder.inline === undefined || holder.inline === null ? `${scope}/${name}` : `${scope}/inline/${holder.name}`;

const remember = (pass: Pass, key: string, template: Template): void => {
  if (pass.state.header.status.storedTemplates?.[key] !== undefined) return;
  pass.state.changeHeader((header) => {
    header.status = { ...header.status, storedTemplates: { ...header.status.storedTemplates, [key]: copyOf(template) } };
  });
};

const fromStore = (pass: Pass, scope: string, holder: Holder, name: string): ResolvedTemplate => {
  const key = storedKey(scope, holder, name);
  const stored = pass.state.header.status.storedTemplates?.[key];
  if (stored !== undefined) return { type: 'found', template: stored, scope };
  if (holder.inline !== undefined) {
    remember(pass, key, holder.inline);
    return { type: 'found', template: holder.inline, scope };
  }
  const fact = factKeyOf(pass.state, scope);
  const loaded = pass.input.facts.get(factId(fact));
  if (loaded === undefined) return { type: 'missing', key: fact };
  const kind = fact.kind === 'clusterWorkflowTemplate' ? 'clusterworkflowtemplates' : 'workflowtemplates';
  const resource = scope.slice(scope.indexOf('/') + 1);
  if (loaded === null || loaded.kind !== 'template') throw new ExecutionError(`${kind}.argoproj.io "${resource}" not found`);
  const template = byName(loaded.spec, name);
  if (template === undefined) throw new ExecutionError(`template ${name} not found in workflow template ${resource}`);
  remember(pass, key, template);
  return { type: 'found', template, scope };
};

/**
 * Finds the template that a step, task or hook names: inline, by templateRef, or by name in the scope that it stands in. Templates from
 * elsewhere are kept in `status.storedTemplates`, so that a later change of theirs does not reach a running workflow.
 * Throws ExecutionError where there is none.
 */
export const resolveTemplate = (pass: Pass, scope: string, holder: Holder): ResolvedTemplate => {
  if (holder.templateRef !== undefined)
    return fromStore(pass, scopeOfRef(holder.templateRef), holder, holder.templateRef.template ?? '');
  if (!isLocal(scope)) return fromStore(pass, scope, holder, holder.template ?? '');
  const template = holder.inline ?? byName(pass.state.spec, holder.template ?? '');
  const reference = pass.state.submitted.spec.workflowTemplateRef;
  if (holder.inline !== undefined && reference !== undefined) {
    remember(pass, storedKey(scopeOfRef(reference), holder, ''), holder.inline);
  }
  if (template === undefined) throw new ExecutionError(`template ${holder.template ?? ''} not found`);
  return { type: 'found', template, scope };
};

/** A resolved template with `spec.templateDefaults` under it. */
export const withDefaults = (pass: Pass, template: Template): Template => {
  const defaults = pass.state.spec.templateDefaults;
  return defaults === undefined ? template : mergeTemplateDefaults(defaults, template);
};
