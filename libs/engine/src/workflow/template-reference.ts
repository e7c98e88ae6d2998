import type { Arguments, JsonValue, WorkflowSpec } from '#libs/workflow-spec';

const isObject = (value: unknown): value is Record<string, JsonValue> =>
  value !== null && typeof value === 'object' && !Array.isArray(value);

const mergeByName = <T extends { name?: string }>(own: readonly T[] | undefined, other: readonly T[] | undefined): T[] => {
  const names = new Set((own ?? []).map(({ name }) => name));
  return [...(own ?? []), ...(other ?? []).filter(({ name }) => !names.has(name))];
};

const mergeArguments = (own: Arguments | undefined, other: Arguments | undefined): Arguments => {
  const parameters = mergeByName(own?.parameters, other?.parameters);
  const artifacts = mergeByName(own?.artifacts, other?.artifacts);
  return { ...(parameters.length === 0 ? {} : { parameters }), ...(artifacts.length === 0 ? {} : { artifacts }) };
};

const mergeValues = (own: unknown, other: unknown): unknown => {
  if (own === undefined) return other;
  if (!isObject(own) || !isObject(other)) return own;
  const keys = new Set([...Object.keys(own), ...Object.keys(other)]);
  return Object.fromEntries([...keys].map((key) => [key, mergeValues(own[key], other[key])]));
};

/** The spec that runs under `workflowTemplateRef`: the workflow's own fields over those of the template, lists of named things joined by name. */
export const mergedSpec = (own: WorkflowSpec, template: WorkflowSpec): WorkflowSpec => {
  const merged = mergeValues(own, template) as WorkflowSpec;
  return {
    ...merged,
    arguments: mergeArguments(own.arguments, template.arguments),
    templates: mergeByName(own.templates, template.templates),
  };
};
