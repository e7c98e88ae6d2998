import { UserError } from './errors.js';
import { compactJson, splitJsonMembers } from './json-text.js';
import type { Item, JsonValue } from './model/workflow.js';

/**
 * An item of a loop as Argo keeps it: the JSON text, compact. Numbers keep their digits (`1.0` stays `1.0`), which a parsed value would lose.
 * Behaviour: pkg/apis/workflow/v1alpha1/item.go and processItem in workflow/controller/operator.go (v4.1).
 */
export type ItemText = string & { readonly itemText: unique symbol };
export type ItemType = 'String' | 'Number' | 'Bool' | 'Map' | 'List';

/** The item of a `withItems` entry. */
export const itemFromValue = (value: Item): ItemText => JSON.stringify(value) as ItemText;

/** The items of a `withParam` text, which must be a JSON list; UserError otherwise. */
export const parseItemList = (json: string): ItemText[] => {
  let parsed: JsonValue;
  try {
    parsed = JSON.parse(json) as JsonValue;
  } catch (cause) {
    throw new UserError(`withParam value could not be parsed as a JSON list: ${json.trim().slice(0, 200)}`, { cause });
  }
  if (parsed === null) return [];
  if (!Array.isArray(parsed))
    throw new UserError(`withParam value could not be parsed as a JSON list: ${json.trim().slice(0, 200)}`);
  return splitJsonMembers(compactJson(json)) as ItemText[];
};

const NUMBER = /^-?\d/;

/** What Argo takes the item for; `null` counts as a list. */
export const itemType = (item: ItemText): ItemType => {
  if (item.startsWith('"')) return 'String';
  if (item.startsWith('{')) return 'Map';
  if (NUMBER.test(item)) return 'Number';
  return item === 'true' || item === 'false' ? 'Bool' : 'List';
};

const undoHtmlEscapes = (text: string): string =>
  text
    .replace(/\\u003c/gi, '<')
    .replace(/\\u003e/gi, '>')
    .replace(/\\u0026/g, '&');

/** The item inserted into a text: strings lose their quotes but keep JSON escapes, maps and lists are compact JSON. */
export const itemString = (item: ItemText): string => {
  const text = undoHtmlEscapes(item);
  return text.startsWith('"') ? text.slice(1, -1) : text;
};

/** Members of a Map item as [key, item], sorted by key; for a repeated key the last one counts. */
const mapMembers = (item: ItemText): [string, ItemText][] => {
  const members = new Map<string, ItemText>();
  for (const member of splitJsonMembers(item)) {
    const keyEnd = /^"(?:[^"\\]|\\.)*"/.exec(member)?.[0].length ?? 0;
    members.set(JSON.parse(member.slice(0, keyEnd)) as string, member.slice(keyEnd + 1) as ItemText);
  }
  return [...members].sort(([left], [right]) => (left < right ? -1 : left > right ? 1 : 0));
};

/** The variables that a loop gives its body: `item`, and `item.<key>` for each member of a Map. */
export const itemVariables = (item: ItemText): Record<string, string> => {
  if (itemType(item) !== 'Map') return { item: itemString(item) };
  const members = mapMembers(item);
  const whole = `{${members.map(([key, value]) => `${JSON.stringify(key)}:${value}`).join(',')}}`;
  return Object.fromEntries([
    ['item', undoHtmlEscapes(whole)],
    ...members.map(([key, value]) => [`item.${key}`, itemString(value)]),
  ]) as Record<string, string>;
};

/** The description of an item in its node's name: scalars as inserted, maps as sorted `key:value` pairs, lists as Go prints a slice. */
export const itemDescription = (item: ItemText): string => {
  const type = itemType(item);
  if (type === 'Map') {
    return mapMembers(item)
      .map(([key, value]) => `${key}:${itemString(value)}`)
      .sort()
      .join(',');
  }
  if (type !== 'List') return itemString(item);
  return item === 'null' ? '[]' : `[${(splitJsonMembers(item) as ItemText[]).map(itemString).join(' ')}]`;
};
