/** Which steps or tasks a text needs, so that only their variables have to be gathered. */
const DOTTED = /\b(?:steps|tasks)\.([A-Za-z0-9_-]+)/g;
const BRACKETED = /\b(?:steps|tasks)\[\s*\\?['"]([^'"\\]+)\\?['"]\s*\]/g;
const DYNAMIC = /\b(?:steps|tasks)\s*(?:\)|\[\s*(?!\\?['"]))/;

/** Names of steps or tasks that a JSON text speaks of; undefined where it reaches them in a way that cannot be read off (all of them, then). */
export const mentionedNames = (json: string): ReadonlySet<string> | undefined => {
  if (DYNAMIC.test(json)) return undefined;
  const names = new Set<string>();
  for (const pattern of [DOTTED, BRACKETED]) for (const match of json.matchAll(pattern)) names.add(match[1] ?? '');
  return names;
};
