import type { Template, WorkflowSpec } from '../model/workflow.js';

/** A WorkflowTemplate or ClusterWorkflowTemplate that a spec refers to. */
export type TemplateKey =
  { kind: 'workflowTemplate'; namespace: string; name: string } | { kind: 'clusterWorkflowTemplate'; name: string };

/** What a template resource says; `null`: it was looked up and does not exist; `undefined`: it has not been loaded yet. */
export type TemplateGetter = (key: TemplateKey) => WorkflowSpec | null | undefined;

/** Where templates that are named without a reference are looked up, and what resolved ones are remembered under. */
export interface TemplateSource {
  /** `local/`, `namespaced/<name>/` or `cluster/<name>/`. */
  scope: string;
  spec: WorkflowSpec;
}

export const templateKey = (namespace: string, reference: { name?: string; clusterScope?: boolean }): TemplateKey =>
  reference.clusterScope === true
    ? { kind: 'clusterWorkflowTemplate', name: reference.name ?? '' }
    : { kind: 'workflowTemplate', namespace, name: reference.name ?? '' };

/** One text per key, for maps. */
export const templateKeyId = (key: TemplateKey): string =>
  key.kind === 'clusterWorkflowTemplate' ? `cluster/${key.name}` : `namespaced/${key.namespace}/${key.name}`;

export const templateNotFoundMessage = (key: TemplateKey): string =>
  key.kind === 'clusterWorkflowTemplate'
    ? `couldn't find cluster workflow template "${key.name}"`
    : `couldn't find workflow template "${key.name}" in namespace "${key.namespace}"`;

const indices = new WeakMap<WorkflowSpec, Map<string, Template>>();

/** The template of a spec by its name; the first one where names repeat. The index is kept with the spec, which must not change. */
export const templateByName = (spec: WorkflowSpec, name: string): Template | undefined => {
  let index = indices.get(spec);
  if (index === undefined) {
    index = new Map((spec.templates ?? []).toReversed().map((template) => [template.name ?? '', template]));
    indices.set(spec, index);
  }
  return index.get(name);
};

const specReferences = (spec: WorkflowSpec, namespace: string): TemplateKey[] => {
  const keys: TemplateKey[] = [];
  const add = (reference: { name?: string; clusterScope?: boolean } | undefined): void => {
    if (reference?.name !== undefined && reference.name !== '' && !reference.name.includes('{{'))
      keys.push(templateKey(namespace, reference));
  };
  const addTemplate = (template: Template): void => {
    for (const call of [...(template.steps ?? []).flat(), ...(template.dag?.tasks ?? [])]) {
      add(call.templateRef);
      for (const hook of Object.values(call.hooks ?? {})) add(hook.templateRef);
      if (call.inline !== undefined) addTemplate(call.inline);
    }
  };
  add(spec.workflowTemplateRef);
  for (const hook of Object.values(spec.hooks ?? {})) add(hook.templateRef);
  for (const template of spec.templates ?? []) addTemplate(template);
  return keys;
};

/**
 * The template resources that a spec refers to, directly or through others, and that the getter has not loaded (`undefined`). Load them and
 * ask again until the answer is empty: each round reaches at least one level deeper, and cycles end it.
 */
export const missingTemplates = (spec: WorkflowSpec, namespace: string, getter: TemplateGetter): TemplateKey[] => {
  const missing = new Map<string, TemplateKey>();
  const seen = new Set<string>();
  const pending = specReferences(spec, namespace);
  for (let key = pending.pop(); key !== undefined; key = pending.pop()) {
    const id = templateKeyId(key);
    if (seen.has(id)) continue;
    seen.add(id);
    const found = getter(key);
    if (found === undefined) missing.set(id, key);
    else if (found !== null) pending.push(...specReferences(found, namespace));
  }
  return [...missing.values()];
};
