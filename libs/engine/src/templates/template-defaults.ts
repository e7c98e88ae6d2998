import { templateTypeOf, type JsonValue, type Template } from '#libs/workflow-spec';

const isObject = (value: unknown): value is Record<string, JsonValue> =>
  value !== null && typeof value === 'object' && !Array.isArray(value);

/** Lists whose members are told apart by `name` merge member by member in Kubernetes' strategic merge. */
const NAMED_LISTS: ReadonlySet<string> = new Set([
  'env',
  'volumes',
  'sidecars',
  'initContainers',
  'parameters',
  'artifacts',
  'hostAliases',
]);

const mergeNamed = (defaults: JsonValue[], own: JsonValue[]): JsonValue[] => {
  const nameOf = (item: JsonValue): unknown => (isObject(item) ? item['name'] : undefined);
  const merged = own.map((item) => {
    const base = defaults.find((candidate) => nameOf(candidate) !== undefined && nameOf(candidate) === nameOf(item));
    return base === undefined ? item : merge(base, item);
  });
  const known = new Set(own.map(nameOf));
  return [...merged, ...defaults.filter((item) => !known.has(nameOf(item)))];
};

const merge = (defaults: JsonValue, own: JsonValue, field = ''): JsonValue => {
  if (Array.isArray(defaults) && Array.isArray(own)) return NAMED_LISTS.has(field) ? mergeNamed(defaults, own) : own;
  if (!isObject(defaults) || !isObject(own)) return own;
  const merged: Record<string, JsonValue> = { ...defaults };
  for (const [key, value] of Object.entries(own))
    merged[key] = merged[key] === undefined ? value : merge(merged[key], value, key);
  return merged;
};

/** `templateDefaults` under a template (strategic merge, the template wins). A default of another type of work is left out. */
export const mergeTemplateDefaults = (defaults: Template, template: Template): Template => {
  const ownType = templateTypeOf(template);
  const applicable = Object.fromEntries(
    Object.entries(defaults).filter(
      ([key]) => key !== 'name' && (templateTypeOf({ [key]: {} }) === undefined || key === ownType),
    ),
  );
  return merge(applicable as JsonValue, template as unknown as JsonValue) as unknown as Template;
};
