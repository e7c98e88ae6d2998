import type { Template } from '#libs/workflow-spec';

const PATTERNS = [
  /\b(?:steps|tasks)\.([^.\s}"']+)\.outputs\.result/g,
  /\b(?:steps|tasks)\[\\?['"]([^'"\\]+)\\?['"]\]\.outputs\.result/g,
];
const namesByTemplate = new WeakMap<Template, ReadonlySet<string>>();

const namesIn = (template: Template): ReadonlySet<string> => {
  const json = JSON.stringify(template);
  return new Set(PATTERNS.flatMap((pattern) => [...json.matchAll(pattern)].map((match) => match[1] ?? '')));
};

/**
 * Whether the enclosing template speaks of the result of this step or task; only then is stdout kept (Argo's includeScriptOutput).
 * The name is that in the template, without loop and attempt suffixes.
 */
export const isResultWanted = (enclosing: Template | undefined, name: string | undefined): boolean => {
  if (enclosing === undefined || name === undefined) return false;
  let names = namesByTemplate.get(enclosing);
  if (names === undefined) {
    names = namesIn(enclosing);
    namesByTemplate.set(enclosing, names);
  }
  return names.has(name);
};
